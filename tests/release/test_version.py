"""The version comes from git, and is one that can be installed wherever the code lies."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.version import Version

from clean_machine import ROOT, uv
from release_notes import newest

PRETEND = "SETUPTOOLS_SCM_PRETEND_VERSION_FOR_GRATICULE"


@pytest.fixture
def copy(tmp_path) -> Path:
    """A project with this project's way to a version, in no repository."""
    folder = tmp_path / "copy"
    (folder / "platform" / "graticule").mkdir(parents=True)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    return folder


@pytest.fixture
def checkout(copy) -> Path:
    git(copy, "init", "-q")
    git(copy, "add", ".")
    commit(copy)
    return copy


def git(folder: Path, *arguments: str) -> str:
    who = ("-c", "user.name=a", "-c", "user.email=a@b")
    done = subprocess.run(["git", "-C", folder, *who, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def commit(folder: Path) -> str:
    git(folder, "commit", "-q", "--allow-empty", "-m", "more")
    return git(folder, "rev-parse", "HEAD")


def version(folder: Path, **more: str) -> Version:
    builders = ("--with", "hatch-vcs", "--from", "hatchling")
    how = ("tool", "run", "--quiet", "--python", sys.executable, *builders)
    return Version(uv(*how, "python", "-m", "hatchling", "version", cwd=folder, **more).strip())


def test_a_tag_is_the_version(checkout):
    git(checkout, "tag", "v3.1.4")
    assert version(checkout) == Version("3.1.4")


def test_beyond_a_tag_it_is_the_next_one_in_the_making_and_names_the_commit(checkout):
    git(checkout, "tag", "v3.1.4")
    revision = commit(checkout)
    found = version(checkout)
    assert found.public == "3.1.5.dev1"
    assert revision.startswith(found.local.removeprefix("g"))


def test_a_clone_without_tags_and_history_is_beyond_the_last_release(checkout, tmp_path):
    git(checkout, "tag", "v0.0.1")
    commit(checkout)
    git(tmp_path, "clone", "-q", "--depth", "1", checkout.as_uri(), "shallow")
    found = version(tmp_path / "shallow")
    assert found > Version(newest())
    assert found.is_devrelease


def test_without_git_it_is_the_last_release(copy):
    assert version(copy) == Version(newest())


def test_a_checkout_on_a_machine_without_git_is_the_last_release(checkout, tmp_path):
    assert version(checkout, PATH=str(tmp_path)) == Version(newest())


def test_an_image_is_told_its_version(copy):
    assert version(copy, **{PRETEND: "3.1.4"}) == Version("3.1.4")
