"""Change log, citation and version tell of the same release."""

import re
import tomllib
from datetime import date
from pathlib import Path

import yaml

from release_notes import CHANGELOG, newest, releases

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text())
_IMAGE = re.compile(
    r"""(?:\bgraticule(?:-cuda|-mlflow)?:|newTag: "?|GRATICULE_VERSION="|GRATICULE_TAG:-)(\d+\.\d+\.\d+)"""
)
KINDS = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_the_newest_release_is_what_is_cited_and_what_code_without_git_says():
    assert str(CITATION["version"]) == newest()
    assert PROJECT["tool"]["hatch"]["version"]["fallback-version"] == newest()
    assert CITATION["date-released"] == date.fromisoformat(releases()[0][1])


def test_every_image_that_is_named_is_of_the_newest_release():
    files = [file for folder in ("infra", "k8s") for file in (ROOT / folder).rglob("*") if file.is_file()]
    named = {
        (file.relative_to(ROOT).as_posix(), version)
        for file in files
        for version in _IMAGE.findall(file.read_bytes().decode(errors="ignore"))
    }
    assert len(named) > 3
    assert {(file, version) for file, version in named if version != newest()} == set()


def test_releases_are_listed_the_newest_first():
    versions = [tuple(map(int, version.split("."))) for version, _ in releases()]
    assert versions == sorted(set(versions), reverse=True)
    assert [day for _, day in releases()] == sorted((day for _, day in releases()), reverse=True)


def test_changes_come_under_the_headings_that_readers_know():
    text = CHANGELOG.read_text()
    assert text.startswith("# Changelog\n")
    assert "\n## Unreleased\n" in text
    assert len(re.findall(r"^## ", text, re.MULTILINE)) == 1 + len(releases())
    assert set(re.findall(r"^### (.+)$", text, re.MULTILINE)) <= KINDS


def test_the_citation_has_what_its_format_asks_for():
    assert CITATION["cff-version"] == "1.2.0"
    assert CITATION["type"] == "software"
    assert CITATION["title"] == PROJECT["project"]["name"]
    assert CITATION["license"] == PROJECT["project"]["license"]
    assert CITATION["authors"] == PROJECT["project"]["authors"]
    assert CITATION["message"]
    assert CITATION["abstract"]
    assert CITATION["keywords"] == PROJECT["project"]["keywords"]


def test_the_citation_names_the_paper_by_its_doi():
    (paper,) = CITATION["references"]
    assert (paper["type"], paper["doi"]) == ("article", "10.69761/HDTA8338")
    assert paper["authors"][0] == {"family-names": "Duan"}
    assert (paper["journal"], paper["year"]) == ("Elemental Microscopy", 2024)
    assert paper["title"] == "Deep Learning Applications in Microscopy: Segmentation and Tracking"
