import pytest

from graticule.core.errors import ConfigError
from graticule.core.lineage import Event
from graticule.evaluation.events import event_scores, events_of

SAME = {track: track for track in range(1, 10)}


def event(kind="merge", frame=10, parents=(1, 2), children=(3,), y=50.0, x=50.0) -> Event:
    return Event(
        kind=kind,
        frame=frame,
        parents=parents,
        children=children,
        y_px=y,
        x_px=x,
        at_border=False,
        confidence=1.0,
    )


def scores(predicted, truth, *, kind="merge", truth_of=SAME, **tolerances):
    return event_scores(predicted, truth, kind=kind, truth_of=truth_of, **tolerances)


def test_the_same_merge_is_found():
    found = scores([event()], [event()])
    assert (found.precision, found.recall, found.f1) == (1.0, 1.0, 1.0)


def test_a_merge_within_k_frames_is_found_and_its_delay_told():
    found = scores([event(frame=13)], [event()], within_frames=3)
    assert (found.matched, found.frame_errors) == (1, (3,))


def test_a_merge_later_than_that_is_missed_and_made_up():
    found = scores([event(frame=14)], [event()], within_frames=3)
    assert (found.precision, found.recall, found.f1) == (0.0, 0.0, 0.0)


def test_parents_under_other_names_correspond_through_tracks():
    found = scores([event(parents=(8, 9), y=500.0)], [event()], truth_of={8: 1, 9: 2})
    assert found.matched == 1


def test_one_parent_in_common_far_away_is_another_merge():
    assert scores([event(parents=(1, 5), y=500.0)], [event()]).matched == 0


def test_a_near_merge_of_unmatched_tracks_is_found_by_its_place():
    near = [event(parents=(8, 9), y=53.0)]
    assert scores(near, [event()], truth_of={}).matched == 1
    assert scores(near, [event()], truth_of={}, within_px=0.0).matched == 0


def test_each_event_counts_once():
    found = scores([event(frame=9), event(frame=10)], [event()])
    assert (found.matched, found.precision, found.recall) == (1, 0.5, 1.0)
    assert found.frame_errors == (0,)


def test_a_split_corresponds_through_its_parent():
    split = event(kind="split", parents=(4,), children=(5, 6))
    assert scores([split], [split], kind="split").matched == 1
    assert scores([split], [event()], kind="split").recall is None


def test_nothing_to_score_is_none():
    found = scores([], [])
    assert (found.precision, found.recall, found.f1) == (None, None, None)


def test_rows_of_a_table_are_events():
    row = {"event": 1, "time_s": None, "kind": "merge", "frame": 10, "parents": [1, 2], "children": [3]}
    row |= {"y_px": 50.0, "x_px": 50.0, "at_border": False, "confidence": 1.0}
    assert events_of([row]) == (event(),)


def test_negative_tolerance_is_refused():
    with pytest.raises(ConfigError, match="within_frames=-1"):
        scores([], [], within_frames=-1)
