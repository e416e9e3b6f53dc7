import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cases import Case, draw, events_by_letter, identities
from cases.tracks import BLOB_AND_PART, CASES, DRIFT_JUMP, ENTER, LEAVE, MERGE, MERGE_IN_PIECES
from graticule import tracking
from graticule.core.errors import ConfigError, UnknownNameError
from graticule.core.lineage import Lineage


def track(images, labels, *, cuts=(), **options) -> Lineage:
    tracker = tracking.create("overlap", **options)
    count = len(labels)
    starts = sorted({0, *(cut for cut in cuts if 0 < cut < count)})
    runs = zip(starts, [*starts[1:], count], strict=True)
    observed = [tracker.observe(images[a : b + 1], labels[a : b + 1], first=a) for a, b in runs]
    return tracker.resolve(observed, frames=count, shape=labels.shape[1:])


@pytest.mark.parametrize("case", CASES, ids=str)
def test_drawn_case(case: Case):
    drawn = draw(case)
    lineage = track(drawn.images, drawn.labels)
    identities(lineage, drawn)
    assert events_by_letter(lineage, drawn) == set(case.events)


@settings(max_examples=30, deadline=None)
@given(case=st.sampled_from(CASES), cuts=st.sets(st.integers(1, 15)))
def test_result_does_not_depend_on_where_the_movie_is_cut(case, cuts):
    drawn = draw(case)
    whole, cut = track(drawn.images, drawn.labels), track(drawn.images, drawn.labels, cuts=cuts)
    assert (whole.track == cut.track).all()
    assert (whole.label == cut.label).all()
    assert (whole.drift_px == cut.drift_px).all()
    assert whole.events == cut.events


def test_whole_view_jumps_and_drift_follows():
    drawn = draw(DRIFT_JUMP)
    assert track(drawn.images, drawn.labels).drift_px[-1] == pytest.approx((15, -21), abs=0.1)


def test_blob_carries_the_larger_track():
    drawn = draw(BLOB_AND_PART)
    lineage = track(drawn.images, drawn.labels)
    assert len(np.unique(lineage.track)) == 2
    assert lineage.track[lineage.frame == 5].tolist() == [1]


@pytest.mark.parametrize(("case", "at_border"), [(ENTER, True), (LEAVE, True)], ids=str)
def test_coming_and_going_over_the_border_is_told(case, at_border):
    drawn = draw(case)
    (event,) = track(drawn.images, drawn.labels).events
    assert event.at_border is at_border


@pytest.mark.parametrize("case", [MERGE, MERGE_IN_PIECES], ids=str)
def test_merge_is_placed_and_trusted(case):
    drawn = draw(case)
    (merge,) = track(drawn.images, drawn.labels).events
    assert (merge.y_px, merge.x_px) == pytest.approx((19.5, 35.5), abs=4.1)
    assert 0.5 < merge.confidence <= 1


def specked(drawn):
    labels = drawn.labels.copy()
    labels[2, :3, :3] = labels.max() + 1
    return labels


def test_a_speck_seen_once_is_a_track_of_little_confidence():
    drawn = draw(MERGE)
    lineage = track(drawn.images, specked(drawn))
    coming, going = (event for event in lineage.events if event.kind != "merge")
    assert (coming.kind, going.kind) == ("appear", "vanish")
    assert max(coming.confidence, going.confidence) < 0.35


def test_specks_seen_in_too_few_frames_can_be_left_out():
    drawn = draw(MERGE)
    without = track(drawn.images, drawn.labels)
    lineage = track(drawn.images, specked(drawn), least_frames_seen=3)
    assert (lineage.track == without.track).all()
    assert lineage.events == without.events


def test_movie_without_particles_has_an_empty_lineage():
    lineage = track(np.zeros((3, 32, 32)), np.zeros((3, 32, 32), np.uint32))
    assert len(lineage.frame) == 0
    assert lineage.events == ()


def test_movie_of_one_frame_has_tracks():
    drawn = draw(MERGE)
    assert track(drawn.images[:1], drawn.labels[:1]).track.tolist() == [1, 2]


def test_unknown_tracker_lists_the_known():
    with pytest.raises(UnknownNameError, match=r"known: .*overlap"):
        tracking.create("deva")


@pytest.mark.parametrize("options", [{"reach": 2}, {"missed_frames": -1}])
def test_option_that_cannot_be_says_which(options):
    with pytest.raises(ConfigError, match=next(iter(options))):
        tracking.create("overlap", **options)
