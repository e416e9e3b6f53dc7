from pathlib import Path

import pytest

from graticule.report import build

from .conftest import drawn_movie, store

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
needs_browser = pytest.mark.skipif(not CHROMIUM.exists(), reason="no /usr/bin/chromium")
NASTY = '<script>alert(1)</script> & "co".tif'


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    movie = drawn_movie(24, 128)
    made = store(tmp_path_factory.mktemp("page") / "e", *movie, name=NASTY)
    return build(made)["page"]


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield running
        running.close()


@pytest.fixture(params=[1280, 800])
def page(request, browser, report):
    tab = browser.new_page(viewport={"width": request.param, "height": 900})
    tab.asked, tab.troubles = [], []
    tab.on("request", lambda asked: tab.asked.append(asked.url))
    tab.on("console", lambda message: tab.troubles.append(message.text))
    tab.on("pageerror", lambda error: tab.troubles.append(str(error)))
    tab.goto(f"file://{report}")
    tab.wait_for_function("document.getElementById('overlay').readyState >= 1")
    yield tab
    tab.close()


def test_names_of_the_users_making_are_escaped(report):
    text = Path(report).read_text()
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)" in text


@needs_browser
def test_nothing_is_asked_of_the_network_and_nothing_fails(page):
    assert all(url.startswith(("file:", "data:")) for url in page.asked)
    assert page.troubles == []


@needs_browser
def test_the_movie_plays(page):
    assert page.evaluate("document.getElementById('overlay').duration") == pytest.approx(24 / 3, rel=0.01)


@needs_browser
def test_the_page_is_not_wider_than_the_window(page):
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@needs_browser
def test_events_are_filtered_by_kind_and_sorted(page):
    rows = page.locator("#events tbody tr")
    assert rows.count() == 1
    page.locator("#kinds input[value=merge]").uncheck()
    assert rows.count() == 0
    page.locator("#kinds input[value=merge]").check()
    page.locator("th button[data-key=confidence]").click()
    assert page.locator("th[aria-sort=ascending]").inner_text().startswith("confidence")


@needs_browser
def test_a_click_on_an_event_shows_its_moment(page):
    page.locator("#events tbody tr").first.click()
    page.wait_for_function("document.getElementById('overlay').currentTime > 0.5")


@needs_browser
def test_charts_answer_the_pointer(page):
    page.locator(".chart svg").first.hover()
    assert "particles" in page.locator(".tip:visible").inner_text()
