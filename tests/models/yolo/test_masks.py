import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.functional import interpolate

from graticule.models.yolo import masks as module
from graticule.models.yolo.decode import Detections
from graticule.models.yolo.masks import masks, sampled

SHAPE = (64, 96)


def disc(y: float, x: float, radius: float) -> np.ndarray:
    """Draw a logit on a grid of cells of 4 px: positive inside of a disc given in pixels."""
    rows, columns = ((np.arange(edge // 4) + 0.5) * 4 for edge in SHAPE)
    return (radius - np.hypot(rows[:, None] - y, columns - x)).astype(np.float32)


def prototypes(*maps: np.ndarray) -> np.ndarray:
    return np.concatenate([np.stack(maps), np.zeros((32 - len(maps), *maps[0].shape), np.float32)])


def found(*boxes: tuple[float, float, float, float]) -> Detections:
    """One detection per box (x0, y0, x1, y1); the i-th is made of the i-th prototype."""
    count = len(boxes)
    return Detections(
        boxes=np.array(boxes, np.float32),
        scores=np.linspace(0.9, 0.5, count, dtype=np.float32),
        coefficients=np.eye(32, dtype=np.float32)[:count],
    )


def whole_bodies(*args, **options) -> list[np.ndarray]:
    bodies = []
    for mask in masks(*args, SHAPE, cell_px=(4.0, 4.0), level=0.0, **options):
        bodies.append(np.zeros(SHAPE, bool))
        bodies[-1][mask.box] = mask.body
    return bodies


def test_an_outline_is_as_round_as_its_particle_not_as_its_cells():
    (body,) = whole_bodies(found((26, 10, 70, 54)), prototypes(disc(32, 48, 20)))
    y, x = np.indices(SHAPE) + 0.5
    truth = np.hypot(y - 32, x - 48) < 20
    assert np.count_nonzero(body != truth) < 0.02 * np.count_nonzero(truth)


def test_a_mask_is_not_cut_at_its_box():
    tight = found((31, 15, 65, 49))
    (body,) = whole_bodies(tight, prototypes(disc(32, 48, 20)))
    assert np.isclose(np.count_nonzero(body), np.pi * 20**2, rtol=0.02)


def test_a_mask_reaches_a_cell_beyond_its_box_and_no_further():
    (body,) = whole_bodies(found((40, 24, 56, 40)), prototypes(disc(32, 48, 40)))
    y, x = np.nonzero(body)
    assert (y.min(), y.max() + 1, x.min(), x.max() + 1) == (20, 44, 36, 60)


def test_of_several_parts_the_one_in_the_box_is_the_particle():
    both = np.maximum(disc(32, 24, 12), disc(32, 72, 16))
    (body,) = whole_bodies(found((10, 18, 38, 46)), prototypes(both))
    assert body[32, 24]
    assert not body[32, 72]


def test_a_detection_without_a_mask_in_its_box_is_left_out():
    assert whole_bodies(found((80, 0, 90, 10)), prototypes(disc(32, 24, 12))) == []


def test_a_box_beyond_the_image_is_looked_at_where_it_touches_it():
    (body,) = whole_bodies(found((-30, -30, 4, 4)), prototypes(disc(0, 0, 12)))
    assert body[0, 0]


def test_many_detections_are_drawn_like_few():
    maps = [disc(32, x, 10) for x in (16, 48, 80)]
    boxes = [(x - 10, 22, x + 10, 42) for x in (16, 48, 80)]
    few = whole_bodies(found(*boxes), prototypes(*maps))
    repeated = Detections(
        boxes=np.tile(found(*boxes).boxes, (50, 1)),
        scores=np.ones(150, np.float32),
        coefficients=np.tile(found(*boxes).coefficients, (50, 1)),
    )
    assert len(repeated) > module.CHUNK
    many = whole_bodies(repeated, prototypes(*maps))
    assert all(np.array_equal(body, few[i % 3]) for i, body in enumerate(many))


coarse_edge = st.integers(1, 9)


@given(coarse_edge, coarse_edge, st.integers(0, 100), st.data())
def test_a_sample_is_bilinear_and_the_same_in_every_box(height, width, seed, data):
    coarse = np.random.default_rng(seed).standard_normal((height, width)).astype(np.float32)
    full = sampled(coarse, (slice(0, 4 * height), slice(0, 4 * width)), cell_px=(4.0, 4.0))
    torchs = interpolate(
        torch.from_numpy(coarse)[None, None], scale_factor=4, mode="bilinear", align_corners=False
    )
    np.testing.assert_allclose(full, torchs[0, 0].numpy(), atol=1e-5)
    y0, x0 = data.draw(st.integers(0, 4 * height - 1)), data.draw(st.integers(0, 4 * width - 1))
    part = sampled(coarse, (slice(y0, 4 * height), slice(x0, 4 * width)), cell_px=(4.0, 4.0))
    assert np.array_equal(part, full[y0:, x0:])
