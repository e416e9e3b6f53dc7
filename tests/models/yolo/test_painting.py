from textwrap import dedent

import numpy as np

from graticule.models.yolo.masks import Mask
from graticule.models.yolo.painting import paint


def logits(picture: str) -> np.ndarray:
    """Draw a digit for a logit, a dot for -1."""
    rows = dedent(picture).strip().splitlines()
    return np.array([[-1 if c == "." else int(c) for c in row] for row in rows], np.float32)


def painted(*pictures: str) -> list[str]:
    drawn = [logits(picture) for picture in pictures]
    box = tuple(slice(0, edge) for edge in drawn[0].shape)
    labels = paint((Mask(box=box, logit=one, body=one > 0) for one in drawn), drawn[0].shape).labels
    return ["".join("." if label == 0 else str(label) for label in row) for row in labels]


def test_particles_apart_are_numbered_by_likelihood():
    assert painted("...55", "33...") == ["22.11"]


def test_where_two_overlap_the_larger_logit_wins():
    assert painted("8521....", "..138888") == ["11122222"]


def test_a_second_look_at_the_same_particle_is_not_a_second_particle():
    assert painted("5555....", ".999....") == ["1111...."]


def test_of_a_particle_that_is_parted_by_another_the_larger_piece_stays():
    assert painted("...9....", "22222222") == ["...12222"]


def test_the_foreground_is_a_probability_and_above_a_half_exactly_on_particles():
    one = logits("345..")
    answer = paint([Mask(box=(slice(0, 1), slice(0, 5)), logit=one, body=one > 0)], (1, 8))
    assert ((answer.foreground > 0.5) == (answer.labels > 0)).all()
    assert (answer.foreground[:, 5:] == 0).all()


def test_nothing_to_paint_is_background():
    answer = paint([], (3, 4))
    assert not answer.labels.any()
    assert not answer.foreground.any()
