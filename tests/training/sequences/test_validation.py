"""A network is scored by the slots it tells of clips held out."""

import numpy as np
import pytest
import torch

from graticule.tracking.deaot import DeAOT, DeAOTConfig
from graticule.training.sequences.known import IGNORED
from graticule.training.sequences.validation import EACH, ClipValidation, followed, slot_iou, slots_right
from threads import one_thread  # noqa: F401
from training.drawn_clips import drawn_clip
from training.test_job import Square
from training.tiny import recipe_of


def drawn(text: str) -> np.ndarray:
    rows = [[IGNORED if c == "?" else 0 if c == "." else int(c) for c in row] for row in text.split()]
    return np.array([rows], np.uint8)


TRUTH = drawn("""
11..
11..
..22
..??
""")


@pytest.mark.parametrize(
    ("found", "iou", "share"),
    [
        ("11.. 11.. ..22 ....", 1.0, 1.0),
        ("11.. 11.. ..22 ..77", 1.0, 1.0),
        ("22.. 22.. ..11 ....", 0.0, 0.0),
        ("11.. .... ..22 ....", 0.75, 4 / 6),
        ("1111 1111 ..22 ....", 0.75, 1.0),
        (".... .... .... ....", 0.0, 0.0),
    ],
    ids=["right", "unknown", "swapped", "half", "too large", "nothing"],
)
def test_drawn_answers_have_these_scores(found, iou, share):
    assert slot_iou(drawn(found), TRUTH) == pytest.approx(iou)
    assert slots_right(drawn(found), TRUTH) == pytest.approx(share)


def test_where_nothing_is_to_be_found_all_is_right():
    nothing = np.zeros((2, 4, 4), np.uint8)
    assert slot_iou(nothing, nothing) == slots_right(nothing, nothing) == 1


@pytest.fixture(scope="module")
def network() -> DeAOT:
    torch.manual_seed(0)
    return DeAOT(DeAOTConfig()).eval()


def test_a_network_follows_from_the_first_frame_on(network):
    clip = drawn_clip(65, 1)
    found = followed(network, clip, torch.device("cpu"))
    assert found.shape == clip.target.shape
    assert np.array_equal(found[0], clip.given[0])


def test_the_same_clips_are_shown_each_time_and_their_means_told(network):
    validation = ClipValidation(
        [Square(64)], [(0, 2)], recipe_of("deaot-t", clips={"frames": 2}), device=torch.device("cpu")
    )
    first, second = validation(network), validation(network)
    assert first == second
    assert set(first) == {"iou", "right", "score"}
    assert len(list(validation.each(network))) == len(validation) == 2 * EACH
    assert validation.summary([]) == {}


def test_a_scored_clip_shows_its_last_frame_the_truth_and_what_was_found(network):
    validation = ClipValidation([Square(64)], [(0,)], recipe_of("deaot-t"), device=torch.device("cpu"))
    pictures = next(validation.each(network)).pictures()
    assert [picture.shape for picture in pictures] == [(65, 65, 3)] * 3
