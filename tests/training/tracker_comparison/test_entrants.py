import sys

import pytest

from graticule.core.errors import ConfigError, UnknownNameError
from graticule.training.tracker_comparison.entrants import entrants_of


def test_overlap_is_always_the_first_and_each_takes_part_once():
    names = [entrant.name for entrant in entrants_of(["trackpy,overlap", "trackpy"])]
    assert names == ["overlap", "trackpy"]


def test_options_go_to_the_tracker_that_they_name():
    overlap, trackpy = entrants_of(["trackpy"], {"trackpy.missed_frames": 1})
    assert overlap.options == {}
    assert trackpy.options == {"missed_frames": 1}
    assert trackpy.name == "trackpy (missed_frames=1)"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"missed_frames": 1}, "write TRACKER.OPTION=VALUE"),
        ({"laptrack.gap_radii": 1}, "takes no part"),
        ({"trackpy.missed_frames": -1}, "at least 0"),
    ],
)
def test_an_option_that_cannot_be_is_refused_before_any_work(options, says):
    with pytest.raises(ConfigError, match=says):
        entrants_of(["trackpy"], options)


def test_of_all_those_are_left_out_that_cannot_be_had(monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "trackpy", None)
    assert "trackpy" not in [entrant.tracker for entrant in entrants_of(["all"])]
    assert "without trackpy: tracker trackpy needs" in caplog.text


def test_an_unknown_tracker_lists_the_known():
    with pytest.raises(UnknownNameError, match=r"known: .*overlap"):
        entrants_of(["deva"])
