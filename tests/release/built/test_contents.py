"""A release holds what it should, and nothing else."""

import subprocess
import tarfile
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest
from packaging.version import Version

from clean_machine import ROOT


@pytest.fixture(scope="module")
def in_the_wheel(release) -> dict[str, bytes]:
    with zipfile.ZipFile(release.wheel) as wheel:
        return {name: wheel.read(name) for name in wheel.namelist()}


@pytest.fixture(scope="module")
def about(in_the_wheel):
    (metadata,) = (content for name, content in in_the_wheel.items() if name.endswith(".dist-info/METADATA"))
    return Parser().parsestr(metadata.decode())


def tracked() -> set[str]:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    return {name for name in listed.splitlines() if (ROOT / name).is_file()}


def test_the_wheel_of_the_sdist_is_that_of_the_checkout_to_the_byte(release):
    assert release.wheel.name == release.of_the_tree.name
    assert release.wheel.read_bytes() == release.of_the_tree.read_bytes()


def test_the_wheel_holds_the_package_and_nothing_else(in_the_wheel):
    package = {
        f"graticule/{file.relative_to(ROOT / 'platform' / 'graticule').as_posix()}"
        for file in (ROOT / "platform" / "graticule").rglob("*")
        if file.is_file() and "__pycache__" not in file.parts and file.name != "DESIGN.md"
    }
    assert {name for name in in_the_wheel if ".dist-info/" not in name} == package
    assert "graticule/py.typed" in package


def test_the_sdist_is_what_git_keeps(release):
    with tarfile.open(release.sdist) as sdist:
        names = {member.name.partition("/")[2] for member in sdist.getmembers() if not member.isdir()}
    assert names == tracked() | {"PKG-INFO"}


def test_the_metadata_say_licence_pythons_and_readme(about, in_the_wheel):
    assert about["License-Expression"] == "Apache-2.0"
    assert about.get_all("License-File") == ["LICENSE"]
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in in_the_wheel)
    assert about["Requires-Python"] == ">=3.11"
    assert about["Description-Content-Type"] == "text/markdown"
    assert "Project-URL" not in about


def test_the_version_is_not_below_the_newest_in_the_changelog(about):
    from release_notes import newest

    assert Version(about["Version"]) >= Version(newest())


def test_no_path_of_this_machine_is_in_the_metadata(in_the_wheel):
    texts = [content for name, content in in_the_wheel.items() if ".dist-info/" in name]
    assert not any(str(Path(ROOT)).encode() in text for text in texts)
