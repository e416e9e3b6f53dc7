"""A result says which revision of the code made it."""

import subprocess

import numpy as np

from graticule import __version__
from graticule.experiments.provenance import git_revision, machine, what_ran


def git(folder, *arguments) -> str:
    who = ("-c", "user.name=a", "-c", "user.email=a@b")
    done = subprocess.run(["git", "-C", folder, *who, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_the_revision_is_the_commit_and_says_whether_it_was_changed(tmp_path):
    git(tmp_path, "init", "-q")
    (tmp_path / "a").write_text("1")
    git(tmp_path, "add", "a")
    git(tmp_path, "commit", "-qm", "one")
    commit = git(tmp_path, "rev-parse", "HEAD")
    assert git_revision(tmp_path) == commit
    (tmp_path / "b").write_text("not of it")
    assert git_revision(tmp_path) == commit
    (tmp_path / "a").write_text("2")
    assert git_revision(tmp_path) == f"{commit}-dirty"


def test_outside_of_a_checkout_there_is_no_revision(tmp_path):
    assert git_revision(tmp_path) is None


def test_packages_installed_within_somebodys_checkout_are_not_part_of_it(tmp_path):
    git(tmp_path, "init", "-q")
    (tmp_path / "a").write_text("1")
    git(tmp_path, "add", "a")
    git(tmp_path, "commit", "-qm", "one")
    installed = tmp_path / ".venv" / "graticule"
    installed.mkdir(parents=True)
    (installed / "b.py").write_text("")
    assert git_revision(installed) is None


def test_a_record_of_what_ran_has_versions_and_revision():
    ran = what_ran()
    assert ran["graticule"] == __version__
    assert ran["numpy"] == np.__version__
    assert ran.get("revision") == git_revision()


def test_the_machine_is_told_in_words():
    assert "cores" in machine()
