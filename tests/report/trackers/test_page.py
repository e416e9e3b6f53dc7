import csv
import io
import json

import pytest

from graticule.report.comparison.values import Mean
from graticule.report.trackers import Group, Row, TrackerComparison, publish

OVERLAP = Row(
    name="overlap",
    frames_per_s=512.3,
    memory_bytes=3 * 2**20,
    means={"idf1": Mean(value=0.99, low=0.98, high=1.0), "switches": Mean(value=3.0, low=2.0, high=4.0)},
)
OTHER = Row(
    name="<other>",
    frames_per_s=1000.0,
    memory_bytes=2**20,
    means={"idf1": Mean(value=0.9, low=0.85, high=0.95), "switches": Mean(value=1.0, low=0.0, high=2.0)},
    differences={
        "idf1": Mean(value=-0.09, low=-0.13, high=-0.05),
        "switches": Mean(value=-2.0, low=-3.0, high=-1.0),
    },
)
BROKEN = Row(name="broken", trouble="it needs <weights>")
COMPARISON = TrackerComparison(
    groups=[
        Group(
            data="synthetic:easy",
            segmentation="truth",
            movies=3,
            frames=300,
            rows=[OVERLAP, OTHER, BROKEN],
        )
    ],
    baseline="overlap",
    machine="one CPU",
    settings={"synthetic:easy": "100 frames"},
    notes=["broken: it needs <weights>"],
)


@pytest.fixture
def folder(tmp_path):
    publish(COMPARISON, tmp_path)
    return tmp_path


def test_the_page_says_who_was_compared_on_what(folder):
    page = (folder / "index.html").read_text("utf-8")
    assert "synthetic:easy, truth instances" in page
    assert "3 movies of 300 frames in all" in page
    assert "<b>0.990</b>" in page
    assert "http" not in page.replace("http-equiv", "")


def test_what_users_name_is_escaped(folder):
    page = (folder / "index.html").read_text("utf-8")
    assert "<other>" not in page
    assert "&lt;other&gt;" in page
    assert "it needs &lt;weights&gt;" in page


def test_surely_better_and_worse_are_told_whichever_way_a_metric_counts(folder):
    page = (folder / "index.html").read_text("utf-8")
    assert 'class="worse" title="95 % interval: -0.130 … -0.050">−0.090' in page
    assert 'class="better" title="95 % interval: -3.0 … -1.0">−2.0' in page
    assert "<b>1.0</b>" in page  # the fewest switches are the best


def test_csv_and_json_hold_the_same_figures(folder):
    lines = list(csv.DictReader(io.StringIO((folder / "table.csv").read_text("utf-8"))))
    assert [line["tracker"] for line in lines] == ["overlap", "<other>", "broken"]
    assert float(lines[1]["idf1_minus_baseline"]) == -0.09
    assert lines[2]["trouble"] == "it needs <weights>"
    held = json.loads((folder / "comparison.json").read_text("utf-8"))
    assert held["groups"][0]["rows"][0]["means"]["idf1"]["value"] == 0.99
