import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest

from graticule.report.comparison import Curve, publish
from graticule.report.comparison.publish import as_json
from graticule.report.comparison.table import paper_table_html, table_csv, table_html

from .drawn import NASTY, comparison, row

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
needs_browser = pytest.mark.skipif(not CHROMIUM.exists(), reason="no /usr/bin/chromium")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("comparison")
    publish(comparison("/data/em4/test", NASTY), out, champion="swin-unet (builtin)")
    return out


def test_names_of_the_users_making_are_escaped(folder):
    text = (folder / "index.html").read_text()
    assert "<script" not in text
    assert "&lt;script&gt;alert(1)" in text


def test_the_page_asks_nothing_of_the_network(folder):
    text = (folder / "index.html").read_text()
    assert "http://" not in text
    assert "https://" not in text


def test_figures_are_there_for_screen_and_print(folder):
    names = {path.name for path in (folder / "figures").iterdir()}
    for name in ("figure-3-loss", "figure-4-scores", "figure-5-masks-1", "figure-5-masks-2"):
        assert {f"{name}.png", f"{name}.svg"} <= names


def test_the_json_holds_rule_champion_and_rows(folder):
    held = json.loads((folder / "comparison.json").read_text())
    assert held["champion"] == "swin-unet (builtin)"
    assert held["rule"] == "Champion: highest AP50."
    assert len(held["datasets"][1]["rows"]) == 4


def test_an_epoch_of_which_nothing_is_known_is_null_in_the_json():
    curve = Curve(name="a", epochs=[1, 2], series={"iou": [float("nan"), 0.5]})
    held = json.dumps(as_json(replace(comparison("a"), curves=[curve]), None), allow_nan=False)
    assert json.loads(held)["curves"][0]["series"]["iou"] == [None, 0.5]


def test_a_sure_difference_is_coloured_and_an_unsure_one_is_not():
    rows = [row("threshold"), row("a", better=0.1), row("b", better=-0.1), row("c", better=0.001)]
    shown = table_html(rows, memory="memory")
    assert shown.count('class="better"') == shown.count('class="worse"') == shown.count('class="unsure"') == 5


def test_metrics_without_meaning_are_dashes():
    assert table_html([row("threshold", parted=False)], memory="memory").count("<td>–</td>") == 4


def test_trouble_fills_the_row():
    assert "no such file" in table_html(comparison("a").datasets[0].rows, memory="memory")


def test_ours_stands_beside_the_papers_figures_only_on_its_own_test_set():
    ours = paper_table_html(comparison("/data/em4/test"))
    assert "0.96495" in ours
    assert "0.90000" in ours
    assert "our IoU" not in paper_table_html(comparison("synthetic:medium"))


def test_the_csv_has_a_line_per_data_set_and_entrant():
    lines = list(csv.DictReader(io.StringIO(table_csv(comparison("a", "b")))))
    assert [line["data"] for line in lines] == ["a"] * 4 + ["b"] * 4 + ["all"] * 4
    assert float(lines[1]["iou_minus_threshold_low"]) == pytest.approx(0.09)
    assert lines[3]["trouble"] == "no such file"


@needs_browser
@pytest.mark.parametrize("width", [1280, 800])
def test_the_page_opens_without_trouble_and_is_not_wider_than_the_window(folder, width):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        tab = browser.new_page(viewport={"width": width, "height": 900})
        troubles: list[str] = []
        tab.on("console", lambda message: troubles.append(message.text))
        tab.on("pageerror", lambda error: troubles.append(str(error)))
        tab.goto(f"file://{folder}/index.html")
        assert tab.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        assert tab.evaluate("[...document.images].every(image => image.naturalWidth > 0)")
        assert troubles == []
        browser.close()
