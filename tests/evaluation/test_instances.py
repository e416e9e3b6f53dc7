import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graticule.core.errors import ConfigError, InputError
from graticule.evaluation.instances import match, mean_scores, overlaps, score_instances


def labels(drawing):
    return np.array([[".abcdefgh".index(c) for c in row] for row in drawing.split()])


TRUTH = labels("""
aa.bb.
aa.bb.
...cc.
""")
ONE_EXACT_ONE_MISSED_ONE_INVENTED = labels("""
aa....
aa...d
...cc.
""")
MERGED = labels("""
aaaaa.
aaaaa.
......
""")
EMPTY = np.zeros_like(TRUTH)


def test_the_true_labels_score_one():
    scores = score_instances(TRUTH, TRUTH)
    assert (scores.average_precision, scores.panoptic_quality, scores.f1) == (1.0, 1.0, 1.0)


def test_found_missed_and_invented_are_counted():
    scores = score_instances(ONE_EXACT_ONE_MISSED_ONE_INVENTED, TRUTH)
    assert (scores.true_positives, scores.false_positives, scores.false_negatives) == (2, 1, 1)
    assert scores.average_precision == 2 / 4
    assert scores.f1 == pytest.approx(2 / 3)
    assert scores.count_error == 0


def test_one_instance_over_two_matches_neither():
    scores = score_instances(MERGED, TRUTH)
    assert (scores.true_positives, scores.false_positives, scores.false_negatives) == (0, 1, 3)
    assert scores.count_error == -2
    assert scores.relative_count_error == pytest.approx(-2 / 3)


def test_panoptic_quality_weighs_f1_by_the_mean_overlap():
    larger = labels("aaa. aaa.")
    scores = score_instances(larger, labels("aa.. aa.."))
    assert scores.panoptic_quality == pytest.approx(4 / 6)


def test_two_empty_images_agree_fully():
    scores = score_instances(EMPTY, EMPTY)
    assert (scores.average_precision, scores.panoptic_quality, scores.relative_count_error) == (1.0, 1.0, 0.0)


@pytest.mark.parametrize(("predicted", "truth"), [(EMPTY, TRUTH), (TRUTH, EMPTY)])
def test_empty_against_something_is_zero(predicted, truth):
    scores = score_instances(predicted, truth)
    assert scores.average_precision == scores.panoptic_quality == scores.f1 == 0.0


def test_exactly_half_is_no_match():
    assert score_instances(labels("aa"), labels("a.")).true_positives == 0


def test_below_one_half_most_matches_win_then_the_greatest_overlap():
    predicted, truth = labels("aaaabb"), labels("aabbbb")
    assert match(overlaps(predicted, truth), threshold=0.2).tolist() == [[1, 2], [1, 2]]


def test_ids_need_not_be_compact():
    scores = score_instances(TRUTH.astype(np.uint32) * 70_000, TRUTH)
    assert scores.true_positives == 3


@given(seed=st.integers(0, 2**32 - 1), threshold=st.floats(0, 0.9))
def test_no_instance_is_matched_twice(seed, threshold):
    rng = np.random.default_rng(seed)
    predicted, truth = rng.integers(0, 6, (2, 8, 8))
    matched = match(overlaps(predicted, truth), threshold=threshold)
    assert all(len(set(ids.tolist())) == ids.size for ids in matched)


def test_means_over_images_do_not_let_counts_cancel():
    means = mean_scores([score_instances(MERGED, TRUTH), score_instances(TRUTH, MERGED)])
    assert means["count_error"] == 2.0
    assert means["average_precision"] == 0.0


def test_a_threshold_of_one_is_refused():
    with pytest.raises(ConfigError, match=r"got 1\.0"):
        match(overlaps(TRUTH, TRUTH), threshold=1.0)


def test_labels_of_different_sizes_are_refused():
    with pytest.raises(InputError, match="predict at the size"):
        score_instances(TRUTH, TRUTH[:2])
