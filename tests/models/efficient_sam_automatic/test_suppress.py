import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graticule.models.efficient_sam.automatic.candidate import Candidate, Lattice, shared
from graticule.models.efficient_sam.automatic.join import names
from graticule.models.efficient_sam.automatic.suppress import suppressed

HERE = Lattice(top=0, left=0, step=1.0, size=64)


def mask(picture, *, score=0.9, order=0, lattice=HERE, at=(0, 0), cut=False):
    """A candidate drawn with # and dots."""
    rows = [[letter == "#" for letter in line] for line in picture.split()]
    drawn = np.array(rows)
    logits = np.where(drawn, 5, -5).astype(np.float16)
    return Candidate(score=score, order=order, lattice=lattice, corner=at, mask=drawn, logits=logits, cut=cut)


LEFT, RIGHT = "####.... ####....", "....#### ....####"
BOTH = "######## ########"
FACET = ".##..... .##....."
NEARLY_LEFT = "###..... ####...."


def scores(kept):
    return [candidate.score for candidate in kept]


def test_of_two_masks_that_agree_the_better_stays():
    assert scores(suppressed([mask(LEFT, score=0.8), mask(NEARLY_LEFT, score=0.9)])) == [0.9]


def test_of_equals_the_earlier_prompt_stays():
    [kept] = suppressed([mask(LEFT, order=3), mask(LEFT, order=1)])
    assert kept.order == 1


def test_a_mask_cut_by_its_view_gives_way_to_a_whole_one():
    [kept] = suppressed([mask(LEFT, score=0.99, cut=True), mask(NEARLY_LEFT, score=0.8)])
    assert kept.score == 0.8


@pytest.mark.parametrize(("split", "left"), [(True, [0.85, 0.82]), (False, [0.9])])
def test_a_mask_filled_by_two_others_is_a_group(split, left):
    candidates = [mask(BOTH, score=0.9), mask(LEFT, score=0.85), mask(RIGHT, score=0.82)]
    assert scores(suppressed(candidates, split=split)) == left


def test_a_facet_within_a_particle_is_a_piece_of_it():
    assert scores(suppressed([mask(LEFT, score=0.8), mask(FACET, score=0.9)])) in ([0.8], [0.9])
    assert scores(suppressed([mask(BOTH, score=0.8), mask(FACET, score=0.9)])) == [0.8]


def test_a_mask_much_less_sure_than_a_good_share_of_it_goes():
    assert scores(suppressed([mask(BOTH, score=0.7), mask(FACET, score=0.9)])) == [0.9]


def test_unsure_parts_do_not_make_a_group():
    candidates = [mask(BOTH, score=0.9), mask(LEFT, score=0.75), mask(RIGHT, score=0.75)]
    assert scores(suppressed(candidates)) == [0.9]


def test_masks_side_by_side_stay():
    assert len(suppressed([mask(LEFT), mask(RIGHT, order=1)])) == 2


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6))
def test_the_order_of_the_candidates_does_not_matter(seed):
    rng = np.random.default_rng(seed)
    candidates = []
    for order in range(30):
        height, width = rng.integers(2, 12, 2)
        drawn = "\n".join("".join(rng.choice(["#", "."], width, p=[0.9, 0.1])) for _ in range(height))
        at = tuple(rng.integers(0, 20, 2).tolist())
        candidates.append(mask(drawn, score=float(rng.choice([0.8, 0.9])), order=order, at=at))
    kept = [candidate.order for candidate in suppressed(candidates)]
    shuffled = [candidates[k] for k in rng.permutation(len(candidates))]
    assert [candidate.order for candidate in suppressed(shuffled)] == kept


@given(st.integers(-9, 9), st.integers(-9, 9))
def test_common_points_are_counted_wherever_the_boxes_lie(dy, dx):
    one, other = np.zeros((40, 40), bool), np.zeros((40, 40), bool)
    one[12:20, 12:21] = other[12 + dy : 17 + dy, 12 + dx : 18 + dx] = True
    drawn = [mask("######### " * 8, at=(12, 12)), mask("###### " * 5, at=(12 + dy, 12 + dx))]
    assert shared(*drawn) == np.count_nonzero(one & other)


def test_halves_cut_by_their_views_that_agree_in_the_overlap_share_a_name():
    there = Lattice(top=0, left=60, step=1.0, size=64)
    left = mask("######## " * 4, at=(10, 56), cut=True)
    right = mask("######## " * 4, at=(10, 0), lattice=there, cut=True)
    elsewhere = mask("######## " * 4, at=(30, 0), lattice=there, cut=True)
    assert names([left, right, elsewhere]) == [1, 1, 2]
    assert names([]) == []
