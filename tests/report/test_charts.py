from xml.etree import ElementTree

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from graticule.analysis.sizes import size_distribution
from graticule.report.charts import Series, histogram_chart, line_chart

values = st.lists(st.one_of(st.floats(-1e9, 1e9), st.just(float("nan"))), max_size=40)


def tree(text):
    return ElementTree.fromstring(f"<div>{text}</div>")


@given(y=values)
def test_any_series_is_drawn_as_well_formed_svg(y):
    series = Series(
        name="a < b", y=np.array(y, float), low=np.array(y, float) - 1, high=np.array(y, float) + 1
    )
    text = line_chart(np.arange(float(len(y))), [series], x_label="t & s", y_label='"<y>"')
    assert "nan" not in "".join(path.get("d") for path in tree(text).iter("path"))


def test_a_gap_breaks_the_line():
    series = Series(name="n", y=np.array([1.0, 2.0, np.nan, 4.0, 5.0]))
    text = line_chart(np.arange(5.0), [series], x_label="t", y_label="n")
    line = next(path for path in tree(text).iter("path") if path.get("class") == "line s1")
    assert line.get("d").count("M") == 2


def test_long_series_are_averaged_to_a_thousand_points():
    series = Series(name="n", y=np.ones(25_000))
    text = line_chart(np.arange(25_000.0), [series], x_label="t", y_label="n")
    assert len(text) < 60_000


def test_a_distribution_without_particles_is_an_empty_frame():
    empty = size_distribution(np.empty(0, int), np.empty(0, int), np.empty(0), periods=2)
    tree(histogram_chart(empty, ["early", "late"], x_label="d", y_label="p"))
