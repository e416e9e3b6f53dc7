"""That nothing is lost unasked: undo, other images, reload."""

import io

import numpy as np
import pytest
from PIL import Image

from page_in_chromium import CHROMIUM, Tab
from serve.examples import example_png

pytestmark = [pytest.mark.skipif(not CHROMIUM.exists(), reason="no /usr/bin/chromium"), pytest.mark.slow]

LONG = "a name that somebody typed on a Tuesday at 200 kV in the basement, and then typed again.png"


@pytest.fixture
def tab(server, browser):
    made = Tab(browser, server.url, width=800)
    made.ready()
    yield made
    assert [text for text in made.troubles if "415" not in text] == []
    made.close()


def delete_one(tab, found):
    tab["marks"].focus()
    tab.page.keyboard.press("n")
    tab.page.keyboard.press("Delete")
    tab.count_is(len(found["instances"]) - 1)


def asks_before_reload(tab):
    asked = []
    tab.page.once("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    tab.page.reload()
    tab.ready()
    return asked == ["beforeunload"]


def test_another_image_asks_before_changes_are_lost(tab):
    found = tab.drop(example_png("easy"), "a.png")
    delete_one(tab, found)
    tab.drop_only(example_png("medium"), "b.png")
    tab["leave-dialog"].wait_for()
    assert "Open b.png?" in tab["leave-dialog"].inner_text()
    assert "a.png is not saved" in tab["leave-dialog"].inner_text()
    assert tab.page.evaluate("document.activeElement.textContent") == "Stay here"
    tab.page.keyboard.press("Enter")
    assert "a.png" in tab["what"].inner_text()
    tab.count_is(len(found["instances"]) - 1)
    tab.drop_only(example_png("medium"), "b.png")
    tab.page.get_by_role("button", name="Open it").click()
    tab.page.wait_for_selector("#what:has-text('b.png')")


def test_what_is_saved_or_was_not_touched_goes_without_a_question(tab):
    tab.drop(example_png("easy"))
    found = tab.drop(example_png("medium"))
    delete_one(tab, found)
    tab.saved("csv")
    assert tab["undo"].is_enabled()
    tab.drop(example_png("easy"))
    assert tab["undo"].is_disabled()
    assert not asks_before_reload(tab)


def test_reload_asks_before_changes_are_lost(tab):
    delete_one(tab, tab.drop(example_png("easy")))
    assert asks_before_reload(tab)


def test_undo_brings_the_polarity_back(tab):
    count = len(tab.drop(example_png("easy"))["instances"])
    with tab.page.expect_response("**/v1/segment"):
        tab["polarity"].select_option("bright")
    tab.page.wait_for_selector("#undo:not([disabled])")
    tab["undo"].click()
    tab.count_is(count)
    assert tab["polarity"].input_value() == "auto"


def test_a_refused_file_is_named_and_leaves_the_image(tab):
    tab.drop(example_png("easy"), "a.png")
    tab.drop_only(b"no image at all", "b.dm4", "application/octet-stream")
    tab["notice"].wait_for()
    assert "b.dm4: " in tab["notice"].inner_text()
    assert "a.png" in tab["what"].inner_text()


def test_an_image_without_particles_says_what_to_do(tab):
    flat = io.BytesIO()
    Image.fromarray(np.full((64, 64), 128, np.uint8)).save(flat, "png")
    tab.drop(flat.getvalue())
    assert "None found" in tab["nothing-text"].inner_text()
    assert tab.page.locator("#histogram svg").count() == 0
    assert tab.saved("csv").decode().startswith("label,")


def test_a_long_name_leaves_the_panel_where_it_is(tab):
    tab.drop(example_png("easy"), LONG)
    box = tab["save-csv"].bounding_box()
    assert box is not None
    assert box["x"] + box["width"] < 800
    tab["compare"].click()
    for item in tab.page.get_by_role("menuitemradio").locator("visible=true").all():
        edge = item.bounding_box()
        assert edge is not None
        assert edge["x"] + edge["width"] <= 800
