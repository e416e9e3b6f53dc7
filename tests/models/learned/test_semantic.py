import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from graticule.core.errors import ConfigError, InputError
from graticule.core.segmenter import Patch
from graticule.models.learned.options import LearnedOptions
from graticule.tiling import segment_frames
from models.learned.networks import GIVEN, Oracle, Random, Small, scene, small, whole


def segment(segmenter, frames):
    return segmenter.segment(whole(frames), [segmenter.measure(frame) for frame in frames])


def test_particles_are_found_where_the_network_sees_them():
    frame = scene(0)
    found = segment(small(), frame[None])
    assert found.labels.max() == 14
    assert ((found.foreground > 0.5) == (found.labels > 0)).all()
    assert (frame[found.labels[0] > 0] < 120).mean() > 0.97


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 99), tile=st.integers(20, 200), distance=st.booleans())
def test_any_tiling_gives_the_same_instances_if_the_network_looks_no_further_than_the_context(
    seed, tile, distance
):
    segmenter = small(Oracle(distance=distance), margin_px=48)
    frames = scene(seed)[None]
    assert np.array_equal(segment_frames(segmenter, frames, tile=tile), segment(segmenter, frames).labels)


@settings(max_examples=10, deadline=None)
@given(order=st.permutations(range(4)), batch=st.integers(1, 9))
def test_batch_size_order_and_neighbours_do_not_matter(order, batch):
    frames = np.stack([scene(seed, shape=(100, 90)) for seed in range(4)])
    one_by_one = [segment(small(Random()), frame[None]) for frame in frames]
    together = segment(small(Random(), batch=batch), frames[list(order)])
    for t, source in enumerate(order):
        assert np.array_equal(together.labels[t], one_by_one[source].labels[0])
        assert np.array_equal(together.foreground[t], one_by_one[source].foreground[0])


def test_only_the_trusted_box_is_answered():
    frame = scene(1)
    trusted = (slice(20, 100), slice(30, 120))
    segmenter = small()
    found = segmenter.segment(Patch(pixels=frame[None], trusted=trusted), [segmenter.measure(frame)])
    outside = np.ones(frame.shape, bool)
    outside[trusted] = False
    assert found.labels.max() > 0
    assert not found.labels[0][outside].any()
    assert not found.foreground[0][outside].any()


def test_logits_are_what_the_instances_are_drawn_from():
    frames = np.stack([scene(2), np.zeros((150, 170), np.uint8)])
    segmenter = small(Oracle(distance=True), split=False)
    statistics = [segmenter.measure(frame) for frame in frames]
    answer = segmenter.logits(whole(frames), statistics)
    labels = segmenter.segment(whole(frames), statistics).labels
    assert np.array_equal(labels > 0, answer.logit > 0)
    assert answer.distance.shape == frames.shape
    assert np.isneginf(answer.logit[1]).all()


def test_bright_particles_are_found_as_dark_ones():
    frame = scene(3)
    bright = segment(small(polarity="bright"), (255 - frame)[None]).labels
    assert np.array_equal(bright, segment(small(), frame[None]).labels)


@pytest.mark.parametrize(("shape", "view"), [((50, 33), 50), ((30, 33), 43)])
def test_a_frame_smaller_than_the_native_size_is_seen_whole_and_scaled_up_somewhat(shape, view):
    frame = scene(4, shape=shape, particles=2, radius=5)
    options = Small.adapted(LearnedOptions(**{**GIVEN, "view_px": "auto"}), [frame])
    assert options.view_px == view
    assert segment(Small(options, Oracle()), frame[None]).labels.max() == 2


BAD = {
    "one pixel wide": np.arange(200, dtype=np.uint8).reshape(200, 1),
    "one pixel high": np.arange(200, dtype=np.uint16).reshape(1, 200),
    "one pixel": np.array([[7]], np.uint8),
    "all black": np.zeros((70, 80), np.uint8),
    "all equal": np.full((70, 80), 9.5),
    "NaN": np.where(np.eye(90, dtype=bool), np.nan, 1.0),
    "infinity": np.where(np.eye(90, dtype=bool), np.inf, 1.0).astype(np.float32),
    "16 bit": scene(5, dtype=np.uint16) * np.uint16(200),
    "negative": scene(5, dtype=np.float64) - 1e6,
    "one hot pixel": np.pad(np.array([[60_000]], np.uint16), 40),
}


@pytest.mark.parametrize("kind", BAD)
@pytest.mark.parametrize("network", [Oracle(), Random()], ids=["oracle", "random"])
def test_any_frame_has_a_result(kind, network):
    frame = BAD[kind]
    options = {k: v for k, v in GIVEN.items() if k == "weights_sha256"}
    segmenter = Small(Small.adapted(LearnedOptions(**options), [frame]), network)
    labels = segment_frames(segmenter, np.stack([frame, frame]), tile=64)
    assert labels.shape == (2, *frame.shape)
    assert np.array_equal(labels[0], labels[1])
    if segmenter.measure(frame)["empty"]:
        assert labels.max() == 0


def test_a_spoilt_frame_does_not_touch_its_neighbours():
    frames = np.stack([scene(6), scene(7), scene(8)]).astype(np.float32)
    clean = segment(small(Random()), frames).labels
    frames[1, 5, 5] = np.nan
    spoilt = segment(small(Random()), frames).labels
    assert np.array_equal(spoilt[[0, 2]], clean[[0, 2]])
    assert spoilt[1].max() == 0


def test_a_pickled_segmenter_is_small_and_leaves_its_network_behind():
    segmenter = small(Random())
    before = len(pickle.dumps(segmenter))
    segment(segmenter, scene(9)[None])
    pickled = pickle.dumps(segmenter)
    assert len(pickled) == before < 1500
    assert pickle.loads(pickled).options == segmenter.options


def test_making_and_measuring_need_neither_weights_nor_device():
    segmenter = Small(LearnedOptions(weights="/nowhere.safetensors", device="cuda:77"))
    assert segmenter.measure(scene(0))["empty"] == 0
    with pytest.raises(ConfigError, match="no device 'cuda:77'"):
        segment(segmenter, scene(0)[None])


def test_what_is_auto_and_not_resolved_is_dark_native_and_of_any_size():
    segmenter = Small(LearnedOptions(), Oracle())
    assert (segmenter.dark, segmenter.view_px, segmenter.margin) == (True, 64, 64)
    assert segment(segmenter, scene(10)[None]).labels.max() == 14


def test_adapting_resolves_all_that_shapes_the_result_and_keeps_what_the_user_chose():
    frames = [255 - scene(seed, shape=(256, 256)) for seed in (1, 2)]
    found = Small.adapted(LearnedOptions(weights_sha256="1" * 64), frames)
    assert (found.polarity, found.view_px) == ("bright", 64)
    assert found.margin_px >= 64
    assert found.min_diameter_px >= 3
    assert (found.device, found.dtype, found.batch) == ("auto", "auto", "auto")
    kept = Small.adapted(found.model_copy(update={"polarity": "dark", "margin_px": 9}), iter(frames))
    assert (kept.polarity, kept.margin_px, kept.view_px) == ("dark", 9, 64)


def test_adapting_to_no_frames_still_gives_numbers():
    assert Small.adapted(LearnedOptions(weights_sha256="1" * 64), []).view_px == 64


def test_an_answer_of_nan_is_an_error_that_names_the_weights():
    network = Oracle()
    torch.nn.init.constant_(network.mean.weight, torch.nan)
    with pytest.raises(InputError, match="small answered with NaN or infinity; check its weights builtin"):
        segment(small(network), scene(0)[None])


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_finds_nearly_the_same_foreground(dtype):
    frame = scene(11)[None]
    half = segment(small(Random(), dtype=dtype), frame).foreground
    assert np.abs(half - segment(small(Random()), frame).foreground).mean() < 0.05


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_on_a_gpu_neighbours_and_order_do_not_matter(dtype):
    frames = np.stack([scene(seed, shape=(100, 90)) for seed in range(5)])
    segmenter = small(Random(), device="cuda", dtype=dtype)
    together = segment(segmenter, frames[::-1])
    for t, frame in enumerate(frames):
        alone = segment(segmenter, frame[None])
        assert np.array_equal(together.labels[4 - t], alone.labels[0])
        assert np.array_equal(together.foreground[4 - t], alone.foreground[0])
