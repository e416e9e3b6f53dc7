import numpy as np
import pytest

from cases.errors import ERRORS, ErrorCase, events
from graticule.evaluation.meetings import Meetings, meetings
from graticule.evaluation.tracking import tracking_figures


def figures(case: ErrorCase) -> dict[str, float | None]:
    return tracking_figures(
        meetings(case.frames()), truth=events(case.truth), predicted=events(case.predicted)
    )


@pytest.mark.parametrize("case", ERRORS, ids=str)
def test_every_metric_says_what_was_worked_out_by_hand(case):
    assert figures(case) == pytest.approx(case.expected)


def test_nobody_found_is_the_worst():
    truth = ERRORS[0].frames()
    empty = meetings((true, np.zeros_like(true)) for true, _ in truth)
    found = tracking_figures(empty, truth=[], predicted=[])
    assert {found[name] for name in ("tra", "det", "lnk", "hota", "idf1")} == {0.0}


@pytest.mark.parametrize("frames", [1, 3])
def test_nothing_to_find_is_none(frames):
    nothing = meetings([(np.zeros((2, 2), int),) * 2] * frames)
    found = tracking_figures(nothing, truth=[], predicted=[])
    assert {name for name, value in found.items() if value is not None} == {"switches", "fragmentations"}


def test_a_movie_of_one_frame_has_no_links():
    alone: Meetings = meetings([(np.array([[1, 0, 2]]), np.array([[5, 0, 6]]))])
    found = tracking_figures(alone, truth=[], predicted=[])
    assert (found["det"], found["tra"], found["lnk"], found["idf1"]) == (1.0, 1.0, None, 1.0)
