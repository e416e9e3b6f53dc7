import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graticule import models
from graticule.core.segmenter import Patch
from graticule.core.window import relative
from graticule.models.adapting import resolve_polarity
from graticule.tiling import part_of, segment_frames, stitch, tile_windows

PLAIN = {
    "sigma_px": 1.0,
    "background_px": None,
    "polarity": "dark",
    "min_diameter_px": 3.0,
    "margin_px": 24,
}


def scene(seed, *, shape=(128, 150), particles=25, radius=6.0, contrast=40.0, noise=6.0, sign=-1):
    """Discs with soft edges, some touching, on a tilted and noisy background."""
    rng = np.random.default_rng(seed)
    y, x = np.indices(shape)
    thick = np.zeros(shape)
    for cy, cx in rng.uniform(0, 1, (particles, 2)) * shape:
        thick = np.maximum(thick, np.clip(radius + 0.5 - np.hypot(y - cy, x - cx), 0, 1))
    image = 120 + 0.05 * x + sign * contrast * thick + rng.normal(0, noise, shape)
    return image.astype(np.float32), thick > 0.5


def tiled(segmenter, frame, statistics, *, tile, margin):
    windows = tile_windows(frame.shape, frames=(0, 1), size=tile, context=segmenter.context, margin=margin)
    parts = []
    for w in windows:
        patch = Patch(pixels=frame[None][(slice(None), *w.read)], trusted=relative(w.trusted, w.read))
        labels = segmenter.segment(patch, [statistics]).labels
        parts.append(part_of(w, labels[(slice(None), *patch.trusted)]))
    return stitch(parts, frame.shape)[0]


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), tile=st.integers(16, 160), margin=st.integers(0, 30))
def test_without_split_any_tiling_gives_the_same_instances(seed, tile, margin):
    options = {**PLAIN, "split": False, "min_diameter_px": 0.0, "background_px": 9.0}
    segmenter = models.create("threshold", **options)
    frame, _ = scene(seed, shape=(90, 100), particles=40)
    measured = {**segmenter.measure(frame), "noise_only": 0.0, "prominence": 0.0}
    assert np.array_equal(
        tiled(segmenter, frame, measured, tile=tile, margin=margin),
        tiled(segmenter, frame, measured, tile=1000, margin=margin),
    )


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), tile=st.integers(20, 100))
def test_with_split_any_tiling_gives_the_same_instances_up_to_the_margin(seed, tile):
    segmenter = models.create("threshold", **{**PLAIN, "margin_px": 128})
    frame, _ = scene(seed, shape=(110, 120))
    measured = segmenter.measure(frame)
    assert np.array_equal(
        tiled(segmenter, frame, measured, tile=tile, margin=120),
        tiled(segmenter, frame, measured, tile=1000, margin=0),
    )


@pytest.mark.parametrize(("sign", "polarity"), [(-1, "dark"), (1, "bright")])
def test_particles_of_either_polarity_are_found(sign, polarity):
    frame, truth = scene(1, sign=sign)
    options = models.adapt("threshold", {}, [frame])
    assert options["polarity"] == polarity == resolve_polarity([frame])
    found = segment_frames(models.create("threshold", **options), frame[None])[0] > 0
    assert (found & truth).sum() / (found | truth).sum() > 0.85


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.float32, np.float64])
def test_every_pixel_type_gives_the_same_labels(dtype):
    frame = scene(2)[0].round()
    segmenter = models.create("threshold", **PLAIN)
    typed = segment_frames(segmenter, frame.astype(dtype)[None])
    assert np.array_equal(typed, segment_frames(segmenter, frame[None]))


@pytest.mark.parametrize(("value", "flag"), [(np.nan, "not_finite"), (np.inf, "not_finite"), (None, "blank")])
def test_frames_that_cannot_be_segmented_are_empty_and_flagged(value, flag):
    frame = np.full((64, 64), 7.0, np.float32)
    if value is not None:
        frame[3, 3] = value
    segmenter = models.create("threshold", **PLAIN)
    assert segmenter.measure(frame) == {"empty": 1.0, flag: 1.0}
    assert segment_frames(segmenter, frame[None]).max() == 0


@pytest.mark.parametrize("sigma", [1.0, 3.0])
def test_noise_alone_holds_no_particles(sigma):
    frame = np.random.default_rng(0).poisson(50, (256, 256))
    segmenter = models.create("threshold", **{**PLAIN, "sigma_px": sigma})
    assert segmenter.measure(frame)["noise_only"] == 1.0
    assert segment_frames(segmenter, frame[None]).max() == 0


def test_a_faint_particle_in_noise_brings_hardly_any_other():
    frame, truth = scene(3, shape=(256, 256), particles=1, radius=10, contrast=20.0, noise=12.0)
    options = models.adapt("threshold", {}, [frame])
    labels = segment_frames(models.create("threshold", **options), frame[None])
    assert (labels[0] > 0)[truth].mean() > 0.5
    assert labels.max() <= 4


def test_particles_below_the_least_diameter_are_left_out():
    frame, _ = scene(4, particles=6, radius=4)
    segmenter = models.create("threshold", **{**PLAIN, "min_diameter_px": 30})
    assert segment_frames(segmenter, frame[None]).max() == 0


def test_foreground_is_even_odds_at_the_level_and_zero_outside_the_trusted_box():
    frame, _ = scene(5)
    segmenter = models.create("threshold", **PLAIN)
    trusted = (slice(20, 100), slice(20, 100))
    found = segmenter.segment(Patch(pixels=frame[None], trusted=trusted), [segmenter.measure(frame)])
    assert (found.foreground[0, 20:100, 20:100][found.labels[0, 20:100, 20:100] > 0] >= 0.5).all()
    outside = np.ones(frame.shape, bool)
    outside[trusted] = False
    assert not found.foreground[0][outside].any()
    assert not found.labels[0][outside].any()


def test_adapting_repeats_and_keeps_what_the_user_chose():
    frames = [scene(seed)[0] for seed in (6, 7)]
    options = models.adapt("threshold", {"sigma_px": 2.5, "polarity": "bright"}, frames)
    assert (options["sigma_px"], options["polarity"]) == (2.5, "bright")
    assert models.adapt("threshold", {"sigma_px": 2.5, "polarity": "bright"}, frames) == options


def test_adapting_passes_over_frames_it_cannot_use():
    good = scene(8)[0]
    bad = np.full_like(good, np.nan)
    assert models.adapt("threshold", {}, [bad, good]) == models.adapt("threshold", {}, [good])


def test_nothing_to_adapt_to_still_gives_numbers():
    options = models.adapt("threshold", {}, [np.zeros((32, 32), np.float32)])
    assert models.create("threshold", **options).dark


@pytest.mark.parametrize("kind", [
    {"radius": 3.5, "particles": 300},
    {"radius": 20.0, "particles": 4, "shape": (256, 256)},
])  # fmt: skip
def test_small_and_large_particles_are_not_hollow(kind):
    frame, truth = scene(9, noise=4.0, **kind)
    options = models.adapt("threshold", {}, [frame])
    found = segment_frames(models.create("threshold", **options), frame[None])[0] > 0
    assert (found & truth).sum() / (found | truth).sum() > 0.8


def test_a_frame_whose_one_odd_pixel_is_smoothed_away_is_blank():
    frame = np.full((64, 64), 60_000, np.uint16)
    frame[30, 30] += 1
    segmenter = models.create("threshold", **{**PLAIN, "sigma_px": 2.0})
    assert segmenter.measure(frame) == {"empty": 1.0, "blank": 1.0}
    assert models.create("threshold", **models.adapt("threshold", {}, [frame]))


@pytest.mark.parametrize("unit", [1e-30, 1e-9, 1e15])
def test_the_unit_of_the_intensities_does_not_matter(unit):
    frame, _ = scene(10)
    segmenter = models.create("threshold", **PLAIN)
    found = segment_frames(segmenter, np.stack([frame, frame * np.float32(unit)])) > 0
    assert np.count_nonzero(found[0] != found[1]) <= 0.001 * frame.size
