import numpy as np
import pytest

from graticule.core.errors import ConfigError, InputError
from graticule.evaluation.tracks import TrackScores, match_tracks, track_scores


def tracks(drawing: str) -> list[np.ndarray]:
    """Frames side by side; a digit is a track."""
    rows = [line.split() for line in drawing.strip().splitlines()]
    frames = [np.array([list(row) for row in frame]).astype(int) for frame in zip(*rows, strict=True)]
    return [np.kron(frame, np.ones((2, 2), int)) for frame in frames]


TRUTH = """
1100 1100 1100 1100
0022 0022 0022 0022
"""


def score(truth: str, predicted: str) -> TrackScores:
    return track_scores(match_tracks(zip(tracks(truth), tracks(predicted), strict=True)))


def test_truth_scores_one():
    scores = score(TRUTH, TRUTH)
    assert (scores.idf1, scores.switches, scores.fragmentations) == (1.0, 0, 0)


def test_names_do_not_matter():
    assert score(TRUTH, TRUTH.replace("1", "7").replace("2", "1")).idf1 == 1.0


def test_two_tracks_that_swap_half_way_keep_half_and_switch_twice():
    scores = score(TRUTH, "1100 1100 2200 2200\n0022 0022 0011 0011")
    assert scores.idf1 == 0.5
    assert scores.switches == 2
    assert scores.fragmentations == 0


def test_a_track_cut_in_two_loses_its_shorter_half():
    scores = score(TRUTH, "1100 1100 1100 3300\n0022 0022 0022 0022")
    assert scores.idf1 == 7 / 8
    assert scores.switches == 1


def test_a_track_lost_and_found_is_one_fragmentation():
    scores = score(TRUTH, "1100 0000 1100 1100\n0022 0022 0022 0022")
    assert (scores.fragmentations, scores.switches) == (1, 0)
    assert (scores.id_precision, scores.id_recall) == (1.0, 7 / 8)


def test_a_track_lost_for_good_is_no_fragmentation():
    assert score(TRUTH, "1100 1100 0000 0000\n0022 0022 0022 0022").fragmentations == 0


def test_masks_that_share_less_than_half_do_not_match():
    scores = score("1110 1110", "0011 0011")
    assert scores.matched_instances == 0
    assert scores.idf1 == 0.0


def test_half_an_iou_matches_once():
    assert score("1122", "1111").matched_instances == 1


def test_nothing_to_score_is_none():
    scores = score("0000", "0000")
    assert (scores.idf1, scores.id_precision, scores.id_recall) == (None, None, None)


def test_predicted_track_lies_on_the_truth_track_it_shares_most_frames_with():
    matches = match_tracks(
        zip(tracks(TRUTH), tracks("3300 3300 3300 0000\n0022 0022 0022 0033"), strict=True)
    )
    assert matches.truth_of() == {2: 2, 3: 1}


def test_frames_of_different_shape_are_refused_by_number():
    with pytest.raises(InputError, match="frame 0"):
        match_tracks([(np.zeros((2, 2), int), np.zeros((2, 3), int))])


def test_ambiguous_iou_is_refused():
    with pytest.raises(ConfigError, match=r"0\.3"):
        match_tracks([], least_iou=0.3)
