"""The site is built without a warning, complete, and from this machine alone."""

import re
import subprocess
import sys
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from docs_reference.cli import walk

from docs.fences import ROOT
from graticule.storage.schemas import TABLES, table_schema
from graticule.training.recipes import known
from serve.settings import ServeSettings

NOT_IN_NAV = {"index.html", "genindex.html", "search.html", "py-modindex.html"}
pytestmark = pytest.mark.slow


class Links(HTMLParser):
    """What a page leads to, what it loads, and what can be led to in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.leads: set[str] = set()
        self.loads: set[str] = set()
        self.names: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if "id" in values:
            self.names.add(values["id"])
        if tag == "a" and "href" in values:
            self.leads.add(values["href"])
        elif tag in ("link", "script", "img", "iframe", "source", "video"):
            self.loads |= {values[name] for name in ("href", "src") if name in values}


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The site as ``make docs`` builds it: a warning ends it."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-E", "-c", "infra/docs"]
    done = subprocess.run(
        [*command, "-d", str(folder / "trees"), "docs", str(folder / "site")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return folder / "site"


@cache
def links(page: Path) -> Links:
    return Links(page.read_text("utf-8"))


def html(site: Path) -> list[Path]:
    return sorted(site.rglob("*.html"))


def test_every_link_and_anchor_within_the_site_leads_somewhere(site):
    broken = []
    for page in html(site):
        for link in links(page).leads:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            there = target.is_file() and (
                not parts.fragment
                or target.suffix != ".html"
                or unquote(parts.fragment) in links(target).names
            )
            if not there:
                broken.append((str(page.relative_to(site)), link))
    assert broken == []


def test_no_page_loads_anything_from_another_host(site):
    assert {
        (page.name, link) for page in html(site) for link in links(page).loads if urlsplit(link).netloc
    } == set()
    styles = [file.read_text("utf-8", errors="ignore") for file in site.rglob("*.css")]
    assert [
        url for text in styles for url in re.findall(r"(?:url\(|@import)\s*['\"]?(https?:[^)'\"]+)", text)
    ] == []


def test_everything_that_pages_load_is_there(site):
    missing = {
        (page.name, link)
        for page in html(site)
        for link in links(page).loads
        if link != "#"
        and not link.startswith("data:")
        and not (page.parent / unquote(urlsplit(link).path)).resolve().is_file()
    }
    assert missing == set()


def test_every_page_is_in_the_navigation(site):
    reached = {
        str((site / unquote(urlsplit(link).path)).resolve().relative_to(site.resolve()))
        for link in links(site / "index.html").leads
        if not urlsplit(link).netloc and urlsplit(link).path
    }
    here = {str(page.relative_to(site)) for page in html(site)} - NOT_IN_NAV
    decisions = {name for name in here if name.startswith("decisions/")}
    assert here - reached - decisions == set()
    assert decisions <= {
        str((site / "about" / link).resolve().relative_to(site.resolve()))
        for link in links(site / "about" / "decisions.html").leads
        if not urlsplit(link).netloc
    }


def test_pages_are_found_by_words_without_a_server(site):
    assert "fine-tun" in (site / "searchindex.js").read_text("utf-8").lower()


def test_every_command_and_option_is_in_the_reference(site):
    page = (site / "reference" / "cli.html").read_text("utf-8")
    for name, command in walk():
        assert f">{name}<" in page
        for option in command.params:
            assert all(f">{said}<" in page for said in option.opts if said.startswith("--")), (
                name,
                option.name,
            )


def test_every_setting_column_recipe_and_job_is_in_the_reference(site):
    said = "".join(
        (site / "reference" / f"{name}.html").read_text("utf-8")
        for name in ("settings", "tables", "recipes", "jobs")
    )
    columns = [column for table in TABLES for column in table_schema(table, calibrated=True).names]
    for name in (*ServeSettings.model_fields, *columns, *known()):
        assert f">{name}<" in said, name
    assert all(f"jobs/{job.name}" in said for job in (ROOT / "jobs").glob("*.py"))
