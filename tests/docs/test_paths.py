"""What pages, code and help name of this project is there."""

import re

import pytest

from docs.fences import ROOT, pages

TEXTS = [*pages(), "CHANGELOG.md", "Makefile", "pyproject.toml", ".ci/run"]
FOLDERS = ("platform", "serve", "jobs", "infra", "k8s", "tests")
_PATH = re.compile(r"(?<![\w/.$}-])((?:docs|infra|jobs|k8s|platform|serve|tests)/[\w./-]*\w)")
_DOCS = re.compile(r"\bdocs/[\w/-]+\.md\b")
_LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)")
MADE = (
    "infra/.env",
    "infra/.env.old",
    "k8s/overlays/NAME",
    "platform/graticule/models/builtin/NETWORK.md",
    "jobs/no_such_job.py",
)
"""Named, and made by the reader or meant in general."""


@pytest.mark.parametrize("page", TEXTS)
def test_every_path_of_the_project_that_a_text_names_is_there(page):
    named = {found for found in _PATH.findall((ROOT / page).read_text("utf-8")) if found not in MADE}
    assert {path for path in named if not exists(path)} == set()


@pytest.mark.parametrize("page", pages())
def test_every_relative_link_of_a_page_leads_to_a_file(page):
    found = _LINK.findall((ROOT / page).read_text("utf-8"))
    assert {link for link in found if not (ROOT / page).parent.joinpath(link).exists()} == set()


def test_every_page_that_code_points_at_is_there():
    broken = {}
    for folder in FOLDERS:
        for file in (ROOT / folder).rglob("*"):
            if file.suffix in (".py", ".yaml", ".toml", ".sh", ".md", ".sbatch", "") and file.is_file():
                text = file.read_text("utf-8", errors="ignore")
                missing = {name for name in _DOCS.findall(text) if not (ROOT / name).exists()}
                if missing:
                    broken[str(file.relative_to(ROOT))] = missing
    assert broken == {}


def exists(path: str) -> bool:
    """Tell whether a path is there: in whole, or as a module named without its end."""
    return any((ROOT / name).exists() for name in (path, f"{path}.py", f"platform/graticule/{path}"))
