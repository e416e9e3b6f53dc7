"""What the page says and does while a model looks, and when it takes too long; all models are real."""

import pytest

from page_in_chromium import CHROMIUM, Tab, serving
from serve.examples import example_png

pytestmark = [pytest.mark.skipif(not CHROMIUM.exists(), reason="no /usr/bin/chromium"), pytest.mark.slow]

SLOW = "swin-unet"


@pytest.fixture
def tab(server, browser):
    made = Tab(browser, server.url)
    made.ready()
    yield made
    assert made.troubles == []
    made.close()


def choose(tab, name):
    tab["model"].click()
    tab.page.get_by_role("menuitemradio", name=name).locator("visible=true").click()


def test_a_newer_choice_of_model_ends_the_older(tab):
    tab.drop(example_png("easy"))
    choose(tab, SLOW)
    tab.page.wait_for_selector(f"text={SLOW} is looking")
    choose(tab, "yolov8n-seg")
    tab.page.wait_for_selector("#undo:not([disabled])")
    tab["working"].wait_for(state="hidden")
    assert "yolov8n-seg" in tab["model"].inner_text()
    tab["undo"].click()
    assert "threshold" in tab["model"].inner_text()
    assert tab["undo"].is_disabled()


def test_what_was_stopped_can_be_begun_again(tab):
    choose(tab, SLOW)
    tab.drop_only(example_png("easy"))
    tab.page.wait_for_selector(f"text={SLOW} is looking")
    assert SLOW in tab["model"].inner_text()
    assert tab["nothing-text"].inner_text() == "Looking for particles."
    assert tab["find"].is_hidden()
    tab.page.keyboard.press("Escape")
    assert tab["nothing-text"].inner_text() == "No particles yet."
    tab["find"].click()
    tab.page.wait_for_selector("#save-csv:not([disabled])")
    assert SLOW in tab["model"].inner_text()
    assert tab["nothing"].is_hidden()


def test_a_wait_says_how_long_it_took_last_time(tab):
    script = """async (m) => {
      const pace = new m.Pace();
      pace.took("slow", 100, 9);
      pace.took("slow", 10000, 70);
      pace.took("slow", 110, 8);
      return [pace.usual("slow", 100), pace.usual("slow", 10000), pace.usual("slow", 1000) ?? null];
    }"""
    assert tab.run("pace.js", script) == [8, 70, None]
    script = """(m) => {
      const said = new m.Notices({stop: () => {}});
      const work = {text: "looking", usual: 40, slow: "Large images take long."};
      said.working({...work, since: performance.now() - 12400});
    }"""
    tab.run("notices.js", script)
    assert tab["working-time"].inner_text() == "12 of about 40 s"
    assert tab["working-slow"].inner_text() == "Large images take long."


def test_after_the_time_limit_a_faster_model_is_offered(browser):
    with serving(default_model="efficient-sam-ti", request_seconds=0.6) as server:
        tab = Tab(browser, server.url)
        tab.ready()
        tab.drop_only(example_png("easy"))
        tab["notice"].wait_for()
        assert "0.6 s" in tab["notice"].inner_text()
        assert tab["again"].is_visible()
        assert tab["instead"].inner_text() == "Use threshold"
        tab["instead"].click()
        assert "threshold" in tab["model"].inner_text()
        assert tab["notice"].is_hidden()
        tab.close()


def test_results_are_said_to_those_who_see_and_to_those_who_listen(tab):
    found = tab.drop(example_png("easy"))["instances"]
    tab["told"].wait_for()
    assert tab["told"].inner_text() == f"threshold found {len(found)} particles"
    assert tab["say"].inner_text() == tab["told"].inner_text()
    tab.page.keyboard.press("n")
    tab["marks"].focus()
    tab.page.keyboard.press("n")
    tab.page.keyboard.press("Delete")
    assert tab["told"].inner_text() == "Deleted 1 particle"


def test_what_is_there_already_is_not_added_and_the_page_says_so(tab):
    one = max(tab.drop(example_png("easy"))["instances"], key=lambda one: one["area_px"])
    y0, x0, y1, x1 = one["box"]
    tab["tool-box"].click()
    for said in ("Added 1 particle", "It is there already"):
        tab.drag((x0 - 2, y0 - 2), (x1 + 2, y1 + 2))
        tab["box-add"].click()
        tab.page.wait_for_selector(f"#told:has-text('{said}')", timeout=20_000)
        tab.page.keyboard.press("Escape")


def test_a_menu_that_is_open_stays_open_when_particles_arrive(tab):
    tab.drop(example_png("easy"))
    choose(tab, SLOW)
    tab.page.wait_for_selector(f"text={SLOW} is looking")
    tab["model"].click()
    tab["working"].wait_for(state="hidden")
    assert SLOW in tab["model"].inner_text()
    item = tab.page.get_by_role("menuitemradio", name="vmamba").locator("visible=true")
    assert item.is_visible()
    assert tab.page.evaluate("document.activeElement.getAttribute('role')") == "menuitemradio"
