"""From the dropped file to the saved table, in Debian's Chromium with a real server."""

import io
from math import pi, sqrt
from statistics import mean, median
from urllib.parse import urlsplit

import numpy as np
import pandas as pd
import pytest
import tifffile
from PIL import Image

from graticule.synthetic import simulate
from page_in_chromium import CHROMIUM, Tab
from serve.examples import example_png

pytestmark = [pytest.mark.skipif(not CHROMIUM.exists(), reason="no /usr/bin/chromium"), pytest.mark.slow]


@pytest.fixture
def tab(server, browser):
    made = Tab(browser, server.url)
    made.ready()
    yield made
    assert {urlsplit(url).netloc for url in made.asked if not url.startswith("blob:")} == {
        urlsplit(server.url).netloc
    }
    assert made.troubles == []
    made.close()


@pytest.fixture(scope="module")
def micrograph():
    """A TIFF of 16 bit as a camera saves it, a pixel of 0.25 nm, wider than high."""
    [frame] = simulate("easy", frames=1, size=256, seed=3)
    grey = frame.image.astype(np.float64)
    grey = 500 + 3000 * (grey - grey.min()) / (grey.max() - grey.min())
    file = io.BytesIO()
    tifffile.imwrite(
        file, grey[:200].astype(np.uint16), imagej=True, resolution=(4, 4), metadata={"unit": "nm"}
    )
    return file.getvalue()


def figure(tab, name):
    return float(tab[name].inner_text().split()[0])


def lone(found):
    """Return a particle well apart from all others and from the border."""
    inside = [one for one in found["instances"] if not one["touches_border"] and one["area_px"] > 60]

    def room(one):
        y, x = one["centroid"]
        others = (other["centroid"] for other in found["instances"] if other is not one)
        border = min(y, x, found["height"] - y, found["width"] - x)
        return (
            min(2 * border, *(((y - b) ** 2 + (x - a) ** 2) ** 0.5 for b, a in others))
            - one["equivalent_diameter_px"]
        )

    return max(inside, key=room)


def place_of(one):
    return round(one["centroid"][1]), round(one["centroid"][0])


def ids(labels):
    return set(np.unique(labels).tolist()) - {0}


def test_a_dropped_image_gets_masks_and_figures(tab, micrograph):
    found = tab.drop(micrograph, "au.tif", "image/tiff")
    sizes = [one["equivalent_diameter_nm"] for one in found["instances"]]
    assert tab["nm"].input_value() == "0.25"
    assert figure(tab, "mean") == pytest.approx(mean(sizes), rel=0.01)
    assert figure(tab, "median") == pytest.approx(median(sizes), rel=0.01)
    assert "au.tif, 256 × 200 px" in tab["what"].inner_text()
    x, y = place_of(lone(found))
    masked = tab.colour(x, y)
    tab.page.keyboard.press("h")
    bare = tab.colour(x, y)
    assert len(set(bare)) == 1
    assert len(set(masked)) > 1


def test_a_camera_image_of_16_bits_is_seen_in_its_full_range(tab, micrograph):
    found = tab.drop(micrograph, "au.tif", "image/tiff")
    tab.page.keyboard.press("h")
    x, y = place_of(max(found["instances"], key=lambda one: one["area_px"]))
    particle = tab.colour(x, y)[0]
    film = np.mean([tab.colour(column, 2)[0] for column in range(100, 110)])
    assert particle < 60
    assert film > 120


def test_pointing_at_a_particle_shows_its_size(tab, micrograph):
    found = tab.drop(micrograph, "au.tif", "image/tiff")
    one = lone(found)
    tab.hover(*place_of(one))
    tab["readout"].wait_for()
    size, unit = tab["readout"].locator("b").inner_text().split()
    assert (float(size), unit) == (pytest.approx(one["equivalent_diameter_nm"], rel=0.006), "nm")
    area = tab["readout"].locator("span").first.inner_text().split()
    assert float(area[1]) == pytest.approx(one["area_nm2"], rel=0.006)
    tab.page.mouse.move(640, 20)
    tab["readout"].wait_for(state="hidden")


def test_a_pasted_image_opens(tab):
    with tab.page.expect_response("**/v1/segment"):
        tab.drop_only(example_png("easy"), kind="paste")
    tab.page.wait_for_selector("#save-csv:not([disabled])")


def test_an_example_knows_its_scale(tab):
    tab.page.click(".example >> nth=0")
    tab.page.wait_for_selector("#save-csv:not([disabled])")
    assert tab["nm"].input_value() == "0.5"


def test_the_scale_changes_all_figures_by_its_factor(tab, micrograph):
    found = tab.drop(micrograph, "au.tif", "image/tiff")
    before = figure(tab, "mean"), figure(tab, "median")
    tab["nm"].fill("0.5")
    assert (figure(tab, "mean"), figure(tab, "median")) == pytest.approx(
        [2 * value for value in before], rel=0.01
    )
    one = lone(found)
    tab.hover(*place_of(one))
    size = float(tab["readout"].locator("b").inner_text().split()[0])
    assert size == pytest.approx(0.5 * one["equivalent_diameter_px"], rel=0.006)
    tab["nm"].fill("0,5")
    assert tab["nm"].get_attribute("aria-invalid") == "false"
    tab["nm"].fill("none")
    assert tab["nm"].get_attribute("aria-invalid") == "true"
    tab["nm-back"].click()
    assert tab["nm"].input_value() == "0.25"
    assert figure(tab, "mean") == before[0]


def test_without_a_scale_sizes_are_in_pixels(tab):
    found = tab.drop(example_png("easy"))
    sizes = [one["equivalent_diameter_px"] for one in found["instances"]]
    assert tab["nm"].input_value() == ""
    assert tab["sizes-unit"].inner_text() == "equivalent diameter, px"
    assert figure(tab, "mean") == pytest.approx(mean(sizes), rel=0.01)
    header = tab.saved("csv").decode().splitlines()[0]
    assert "nm" not in header


def test_a_deleted_particle_comes_back_by_undo(tab, micrograph):
    found = tab.drop(micrograph, "au.tif", "image/tiff")
    count = len(found["instances"])
    x, y = place_of(lone(found))
    tab.click(x, y)
    tab["delete"].click()
    tab.count_is(count - 1)
    assert len(set(tab.colour(x, y))) == 1
    tab["undo"].click()
    tab.count_is(count)
    assert len(set(tab.colour(x, y))) > 1
    tab["redo"].click()
    tab.count_is(count - 1)


def test_a_click_adds_the_particle_that_is_there_and_a_second_is_quick(tab, micrograph):
    found = tab.drop(micrograph, "au.tif", "image/tiff")
    count = len(found["instances"])
    one = lone(found)
    tab.click(*place_of(one))
    tab.page.keyboard.press("Delete")
    tab.count_is(count - 1)
    tab.click(*place_of(one))
    tab.count_is(count)
    tab.hover(*place_of(one))
    readout = tab["readout"].inner_text()
    assert "added by a point" in readout
    size = float(tab["readout"].locator("b").inner_text().split()[0])
    assert size == pytest.approx(one["equivalent_diameter_nm"], rel=0.35)
    tab.page.keyboard.press("Control+z")
    tab.count_is(count - 1)


def test_a_box_selects_what_is_in_it_and_else_adds_what_it_encloses(tab, micrograph):
    found = tab.drop(micrograph, "au.tif", "image/tiff")
    count = len(found["instances"])
    inside = [one for one in found["instances"] if max(one["centroid"]) < 99.5]
    tab["tool-box"].click()
    tab.drag((-4, -4), (100, 100))
    assert str(len(inside)) in tab["chosen-text"].inner_text()
    tab.page.keyboard.press("Delete")
    tab.count_is(count - len(inside))
    one = max((one for one in inside if not one["touches_border"]), key=lambda one: one["area_px"])
    y0, x0, y1, x1 = one["box"]
    tab.drag((x0 - 2, y0 - 2), (x1 + 1, y1 + 1))
    tab.count_is(count - len(inside) + 1)
    tab.hover(*place_of(one))
    assert "added by a box" in tab["readout"].inner_text()


def test_two_models_are_compared_on_either_side_of_a_slider(tab, micrograph):
    found = tab.drop(micrograph, "au.tif", "image/tiff")
    one = lone(found)
    x, y = place_of(one)
    tab["compare"].click()
    with tab.page.expect_response("**/v1/segment") as answer:
        tab.page.get_by_role("menuitemradio", name="swin-unet").locator("visible=true").click()
    tab["divider"].wait_for()
    theirs = answer.value.json()
    assert f"swin-unet: {len(theirs['instances'])}" in tab["compared"].inner_text()
    tab["divider"].fill("1000")
    mine = np.array([tab.colour(column, y) for column in range(x - 20, x + 20)])
    tab["divider"].fill("0")
    other = np.array([tab.colour(column, y) for column in range(x - 20, x + 20)])
    assert (mine != other).any()
    [same] = [b for b in theirs["instances"] if np.hypot(b["centroid"][0] - y, b["centroid"][1] - x) < 4]
    tab.hover(x, y)
    size = float(tab["readout"].locator("b").inner_text().split()[0])
    assert size == pytest.approx(same["equivalent_diameter_nm"], rel=0.006)
    tab["compare"].click()
    tab.page.get_by_role("menuitemradio", name="nothing").click()
    tab["divider"].wait_for(state="hidden")


def test_another_model_can_be_undone(tab, micrograph):
    found = tab.drop(micrograph, "au.tif", "image/tiff")
    count = len(found["instances"])
    tab["model"].click()
    with tab.page.expect_response("**/v1/segment") as answer:
        tab.page.get_by_role("menuitemradio", name="swin-unet").locator("visible=true").click()
    tab.count_is(len(answer.value.json()["instances"]))
    assert "swin-unet" in tab["model"].inner_text()
    tab["undo"].click()
    tab.count_is(count)
    assert "threshold" in tab["model"].inner_text()


def test_what_is_saved_is_what_the_page_shows(tab, micrograph):
    found = tab.drop(micrograph, "au.tif", "image/tiff")
    count = len(found["instances"])
    gone = lone(found)
    tab.click(*place_of(gone))
    tab.page.keyboard.press("Delete")
    tab.count_is(count - 1)

    labels = np.array(Image.open(io.BytesIO(tab.saved("png"))))
    assert labels.shape == (200, 256)
    assert labels.dtype in (np.uint16, np.int32)
    assert ids(labels) == set(range(1, count))
    x, y = place_of(gone)
    assert labels[y, x] == 0
    with tifffile.TiffFile(io.BytesIO(tab.saved("tiff"))) as tif:
        assert (tif.asarray() == labels).all()
        assert tif.asarray().dtype == np.uint16
        assert tif.imagej_metadata["unit"] == "nm"
        over, under = tif.pages[0].tags["XResolution"].value
    assert under / over == pytest.approx(0.25, rel=1e-6)

    table = pd.read_csv(io.BytesIO(tab.saved("csv")))
    left = [one for one in found["instances"] if one is not gone]
    assert table["label"].tolist() == list(range(1, count))
    assert table["area_px"].tolist() == [one["area_px"] for one in left]
    assert table["area_px"].tolist() == np.bincount(labels.ravel())[1:].tolist()
    for column, name in [("equivalent_diameter_px",) * 2, ("equivalent_diameter_nm",) * 2, ("area_nm2",) * 2]:
        assert table[column].tolist() == pytest.approx([one[name] for one in left], rel=1e-4)
    assert table["y_px"].tolist() == pytest.approx([one["centroid"][0] for one in left], abs=1e-3)
    assert table["x_nm"].tolist() == pytest.approx([one["centroid_nm"][1] for one in left], abs=1e-2)
    assert table["touches_border"].tolist() == [one["touches_border"] for one in left]

    overlay = np.array(Image.open(io.BytesIO(tab.saved("overlay"))).convert("RGB")).astype(int)
    assert overlay.shape == (200, 256, 3)
    coloured = np.ptp(overlay, axis=2) > 8
    assert coloured[labels > 0].mean() > 0.9
    assert coloured[y, x] == 0


def test_axes_are_those_of_scikit_image(tab, micrograph):
    from skimage.measure import regionprops_table

    tab.drop(micrograph, "au.tif", "image/tiff")
    labels = np.array(Image.open(io.BytesIO(tab.saved("png"))))
    table = pd.read_csv(io.BytesIO(tab.saved("csv")))
    true = regionprops_table(labels, properties=("axis_major_length", "axis_minor_length"))
    assert table["major_axis_px"].tolist() == pytest.approx(true["axis_major_length"].tolist(), abs=1e-3)
    assert table["minor_axis_px"].tolist() == pytest.approx(true["axis_minor_length"].tolist(), abs=1e-3)


def test_the_histogram_counts_and_selects(tab, micrograph):
    found = tab.drop(micrograph, "au.tif", "image/tiff")
    bars = tab.page.locator("#histogram .bar")
    counts = [int(bar.get_attribute("data-said").split(": ")[1]) for bar in bars.all()]
    assert sum(counts) == len(found["instances"])
    fullest = int(np.argmax(counts))
    bars.nth(fullest).click()
    assert str(counts[fullest]) in tab["chosen-text"].inner_text()
    tab["leave-out"].check()
    inside = sum(not one["touches_border"] for one in found["instances"])
    tab.count_is(inside)


def test_everything_can_be_done_by_keyboard(tab):
    press = tab.page.keyboard.press
    tab.page.get_by_role("button", name="Examples").focus()
    press("Enter")
    press("ArrowDown")
    with tab.page.expect_response("**/v1/segment") as answer:
        press("Enter")
    found = answer.value.json()["instances"]
    tab.count_is(len(found))
    for _ in range(40):
        press("Tab")
        if tab.page.evaluate("document.activeElement.id") == "marks":
            break
    assert tab.page.evaluate("document.activeElement.id") == "marks"
    assert tab.page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    press("n")
    first = found[0]["equivalent_diameter_px"] * 0.5
    assert f"1 of {len(found)}" in tab["say"].inner_text()
    assert float(tab["readout"].locator("b").inner_text().split()[0]) == pytest.approx(first, rel=0.006)
    press("Delete")
    tab.count_is(len(found) - 1)
    press("Control+z")
    tab.count_is(len(found))
    press("Shift+N")
    assert f"{len(found)} of {len(found)}" in tab["say"].inner_text()
    press("Escape")
    for _ in range(6):
        press("Shift+ArrowLeft")
        press("Shift+ArrowUp")
    press("Enter")
    assert "selected" in tab["chosen-text"].inner_text() or tab["chosen"].is_hidden()
    tab.page.locator("#histogram").focus()
    press("ArrowRight")
    assert " nm: " in tab["say"].inner_text()
    press("?")
    assert tab.page.get_by_role("dialog").is_visible()
    press("Escape")
    tab["save-csv"].focus()
    with tab.page.expect_download() as download:
        press("Enter")
    assert download.value.suggested_filename.endswith("_particles.csv")


def test_zooming_keeps_the_place_under_the_pointer(tab, micrograph):
    tab.drop(micrograph, "au.tif", "image/tiff")
    before = tab.place(100, 60)
    tab.page.mouse.move(*before)
    tab.page.mouse.wheel(0, -600)
    assert tab.place(100, 60) == pytest.approx(before, abs=1.5)
    far = tab.place(0, 0), tab.place(1, 0)
    assert far[1][0] - far[0][0] > 4
    tab.drag((100, 60), (110, 70))
    assert tab.place(100, 60)[0] > before[0]
    tab.page.keyboard.press("0")


def test_the_diameter_is_that_of_the_disc_of_the_same_area(tab, micrograph):
    found = tab.drop(micrograph, "au.tif", "image/tiff")
    table = pd.read_csv(io.BytesIO(tab.saved("csv")))
    assert table["equivalent_diameter_px"].tolist() == pytest.approx(
        [2 * sqrt(one["area_px"] / pi) for one in found["instances"]], rel=1e-4
    )
