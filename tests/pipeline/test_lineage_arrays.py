"""A lineage waits in a marker as plain arrays and comes back as it was."""

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from graticule.core.lineage import Event, Lineage
from graticule.pipeline.lineage_arrays import from_arrays, to_arrays

ids = st.lists(st.integers(1, 2**40), max_size=4).map(tuple)
places = st.floats(-1e4, 1e4)
events = st.builds(
    dict,
    kind=st.sampled_from(["appear", "vanish", "merge", "split"]),
    frame=st.integers(0, 10**6),
    parents=ids,
    children=ids,
    y_px=places,
    x_px=places,
    at_border=st.booleans(),
    confidence=st.floats(0, 1),
)


@st.composite
def lineages(draw) -> dict[str, Any]:
    rows = draw(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 99), st.integers(1, 10**6)), max_size=9))
    frame, label, track = np.array(sorted(rows), np.int64).reshape(-1, 3).T
    drift = draw(st.lists(st.tuples(places, places), min_size=1, max_size=5))
    columns = {"frame": frame, "label": label.astype(np.uint32), "track": track}
    return {
        **columns,
        "drift_px": np.array(drift, float),
        "events": tuple(draw(st.lists(events, max_size=5))),
    }


def lineage_of(parts: dict[str, Any]) -> Lineage:
    return Lineage(**{**parts, "events": tuple(Event(**event) for event in parts["events"])})


@given(parts=lineages())
def test_a_lineage_comes_back_as_it_was(parts):
    lineage = lineage_of(parts)
    again = from_arrays(to_arrays(lineage))
    assert again.events == lineage.events
    for name in ("frame", "label", "track", "drift_px"):
        before, after = getattr(lineage, name), getattr(again, name)
        np.testing.assert_array_equal(after, before)
        assert after.dtype == before.dtype


@given(parts=lineages())
def test_nothing_in_a_marker_needs_more_than_plain_arrays(parts):
    assert all(values.dtype.kind in "iuf" for values in to_arrays(lineage_of(parts)).values())
