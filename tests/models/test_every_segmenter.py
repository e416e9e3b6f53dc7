"""Whatever the segmenter: a frame's labels depend on the frame alone, and any frame has some."""

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from graticule import models
from graticule.core.errors import InputError
from graticule.core.segmenter import Segmenter
from graticule.tiling import segment_frames
from threads import one_thread
from weights_on_disk import CASES, frames, whole_patch

__all__ = ["one_thread"]

SHAPE = (64, 56)
EACH = pytest.mark.parametrize("case", CASES)
LEARNED = pytest.mark.parametrize("case", [case for case in CASES if case != "threshold"])
MOVIE = frames(3, size=SHAPE[0])[:, :, : SHAPE[1]]


@pytest.fixture(scope="module")
def made(lively):
    """Make the segmenter of a case, fitted to the movie or to other frames."""

    def make(case: str, fitted_to: np.ndarray = MOVIE, **more) -> Segmenter:
        name, options = lively(case)
        return models.create(name, **models.adapt(name, {**options, **more}, fitted_to))

    return make


@pytest.fixture(scope="module")
def alone(made) -> dict[str, list[np.ndarray]]:
    """Give by case what is found in each frame by itself."""

    class Found(dict):
        def __missing__(self, case: str) -> list[np.ndarray]:
            segmenter = made(case)
            self[case] = [labels_of(segmenter, frame[None])[0] for frame in MOVIE]
            return self[case]

    return Found()


def labels_of(segmenter: Segmenter, pixels: np.ndarray) -> np.ndarray:
    return segmenter.segment(whole_patch(pixels), [segmenter.measure(frame) for frame in pixels]).labels


# What a result depends on


@EACH
def test_there_is_something_to_compare(alone, case):
    first, *others = alone[case]
    assert first.max() > 0
    assert (first == 0).any()
    assert any((first != other).any() for other in others)


@EACH
def test_neither_other_frames_nor_their_order_change_a_frames_labels(made, alone, case):
    order = [2, 0, 1]
    together = labels_of(made(case), MOVIE[order])
    for labels, source in zip(together, order, strict=True):
        assert np.array_equal(labels, alone[case][source])


@LEARNED
def test_the_batch_size_does_not_change_the_labels(made, alone, case):
    more = {"batch": 2, **({"chunk": 3} if case == "efficient-sam-ti" else {})}
    assert np.array_equal(labels_of(made(case, **more), MOVIE), alone[case])


@EACH
def test_what_was_segmented_before_does_not_change_the_labels(made, alone, case):
    segmenter = made(case)
    labels_of(segmenter, 250 - MOVIE[1:, ::2])
    assert np.array_equal(labels_of(segmenter, MOVIE[:1])[0], alone[case][0])


COPIES = """
import pickle, sys, torch
torch.set_num_threads(1)
sent, answer = sys.argv[1:]
with open(sent, "rb") as file:
    patch, segmenters = pickle.load(file)
found = {
    case: segmenter.segment(patch, [segmenter.measure(frame) for frame in patch.pixels]).labels
    for case, segmenter in segmenters.items()
}
with open(answer, "wb") as file:
    pickle.dump(found, file)
"""


def test_copies_in_another_process_give_the_same_labels(made, alone, tmp_path):
    sent, answer = tmp_path / "sent", tmp_path / "answer"
    sent.write_bytes(pickle.dumps((whole_patch(MOVIE[1:2]), {case: made(case) for case in CASES})))
    subprocess.run([sys.executable, "-c", COPIES, str(sent), str(answer)], check=True)
    found = pickle.loads(answer.read_bytes())
    assert [case for case in CASES if not np.array_equal(found[case][0], alone[case][1])] == []


@EACH
def test_a_window_that_reads_the_whole_frame_tells_what_the_whole_frame_tells(made, alone, case):
    segmenter = made(case, margin_px=SHAPE[0])
    whole = segment_frames(segmenter, MOVIE[:1], tile=512)
    assert np.array_equal(segment_frames(segmenter, MOVIE[:1], tile=32), whole)


@LEARNED
def test_weights_are_read_once_and_kept(made, lively, alone, case, tmp_path):
    original = Path(lively(case)[1]["weights"])
    weights = tmp_path / "w.safetensors"
    weights.write_bytes(original.read_bytes())
    segmenter = made(case, weights=str(weights))
    labels_of(segmenter, MOVIE[:1])
    weights.unlink()
    assert np.array_equal(labels_of(segmenter, MOVIE[1:2])[0], alone[case][1])
    with pytest.raises(InputError, match=r"w\.safetensors: no such weights file"):
        labels_of(pickle.loads(pickle.dumps(segmenter)), MOVIE[:1])


# Bad pixels


@EACH
@pytest.mark.parametrize("dtype", ["uint16", "int16", "float32", "float64"])
def test_the_type_of_the_pixels_does_not_change_the_labels(made, alone, case, dtype):
    assert np.array_equal(labels_of(made(case), MOVIE[:1].astype(dtype))[0], alone[case][0])


def spoilt(value: float, *, everywhere: bool) -> np.ndarray:
    """Return a frame with a bad pixel, or nothing but bad pixels."""
    frame = np.full(SHAPE, value, np.float64) if everywhere else MOVIE[1].astype(np.float64)
    frame[20, 30] = value
    return frame


BAD = {
    "NaN": ("float32", spoilt(np.nan, everywhere=False)),
    "infinity": ("float64", spoilt(np.inf, everywhere=False)),
    "only NaN": ("float32", spoilt(np.nan, everywhere=True)),
    "all black": ("uint8", spoilt(0, everywhere=True)),
    "all white": ("uint16", spoilt(65_535, everywhere=True)),
    "all equal": ("float32", spoilt(9.5, everywhere=True)),
}


@EACH
@pytest.mark.parametrize("kind", BAD)
def test_a_frame_that_shows_nothing_is_empty_and_its_neighbours_are_as_they_were(made, alone, case, kind):
    dtype, bad = BAD[kind]
    batch = np.stack([MOVIE[0], bad, MOVIE[2]]).astype(dtype)
    found = labels_of(made(case), batch)
    assert not found[1].any()
    assert np.array_equal(found[[0, 2]], [alone[case][0], alone[case][2]])


@EACH
def test_a_hot_pixel_spoils_neither_its_frame_nor_the_batch(made, alone, case):
    hot = spoilt(65_535, everywhere=False)
    found = labels_of(made(case), np.stack([MOVIE[0], hot]).astype(np.uint16))
    assert np.array_equal(found[0], alone[case][0])
    assert found[1].max() > 0


@EACH
@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (9, 7)])
def test_frames_of_a_few_pixels_have_labels(made, case, shape):
    small = np.random.default_rng(0).integers(0, 60_000, (2, *shape)).astype(np.uint16)
    segmenter = made(case, small)
    labels = segment_frames(segmenter, small, tile=32)
    assert labels.shape == small.shape
    assert np.array_equal(labels[1:], segment_frames(segmenter, small[1:], tile=32))


@EACH
def test_a_single_pixel_that_stands_out_has_labels(made, case):
    frame = np.zeros((1, *SHAPE), np.uint16)
    frame[0, 20, 30] = 60_000
    assert segment_frames(made(case, frame), frame).shape == frame.shape


@EACH
def test_a_segmenter_can_be_fitted_to_nothing_but_bad_frames(made, case):
    bad = np.stack([BAD[kind][1] for kind in ("NaN", "all black")])
    assert not segment_frames(made(case, bad), bad).any()
