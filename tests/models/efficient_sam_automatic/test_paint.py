import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from torch.nn.functional import interpolate

from graticule.models.efficient_sam.automatic.candidate import Candidate, Lattice
from graticule.models.efficient_sam.automatic.cubic import cubic_matrix
from graticule.models.efficient_sam.automatic.paint import full_size, painted
from graticule.models.efficient_sam.automatic.select import Scene, cut_out

SIZE = 64


def disc_logits(y, x, radius, *, size=SIZE, slope=2.0):
    rows, columns = np.indices((size, size))
    return slope * (radius - np.hypot(rows - y, columns - x))


def candidate(logits, *, at, step=4.0, top=0, left=0, order=0) -> Candidate:
    lattice = Lattice(top=top, left=left, step=step, size=len(logits))
    scene = Scene(lattice=lattice, grey=np.zeros(logits.shape, np.float32), cuts=(False,) * 4)
    values = torch.tensor(logits, dtype=torch.float32)
    return cut_out(values, score=0.9, order=order, at=np.array(at), scene=scene)


@given(size=st.integers(4, 20), zoom=st.sampled_from([1, 2, 4, 7]))
def test_cubic_convolution_is_torchs_bicubic(size, zoom):
    image = np.random.default_rng(size).normal(size=(size, size)).astype(np.float32)
    matrix = cubic_matrix((np.arange(size * zoom) + 0.5) / zoom - 0.5, size)
    wanted = interpolate(torch.tensor(image)[None, None], scale_factor=zoom, mode="bicubic")
    np.testing.assert_allclose(matrix @ image @ matrix.T, wanted[0, 0].numpy(), atol=1e-4)


@settings(max_examples=30, deadline=None)
@given(y=st.floats(0, 63), x=st.floats(0, 63), radius=st.floats(2, 20))
def test_a_mask_drawn_in_its_box_is_the_one_upsampled_as_a_whole(y, x, radius):
    logits = disc_logits(y, x, radius).astype(np.float16).astype(np.float32)
    box, values, body = full_size(candidate(logits, at=(int(y), int(x))), (256, 256))
    whole = interpolate(torch.tensor(logits)[None, None], scale_factor=4, mode="bicubic")[0, 0].numpy()
    drawn = np.zeros((256, 256), bool)
    drawn[box] = body
    assert np.array_equal(drawn, whole > 0)
    np.testing.assert_allclose(values[body], whole[drawn], atol=1e-3)


@settings(max_examples=30, deadline=None)
@given(step=st.floats(0.5, 9), top=st.integers(0, 40), left=st.integers(0, 40))
def test_masks_lie_where_the_view_lies_at_any_zoom(step, top, left):
    found = candidate(disc_logits(30, 25, 9.0), at=(30, 25), step=step, top=top, left=left)
    shape = top + int(64 * step), left + int(64 * step)
    labels = painted([found], [1], shape).labels
    y, x = ndimage.center_of_mass(labels)
    assert abs(y - (top + 30.5 * step - 0.5)) < 0.5
    assert abs(x - (left + 25.5 * step - 0.5)) < 0.5
    assert abs(np.count_nonzero(labels) / (np.pi * (9 * step) ** 2) - 1) < 0.08


def test_what_lies_beyond_the_patch_is_cut_off():
    found = candidate(disc_logits(50, 50, 12.0), at=(50, 50))
    labels = painted([found], [1], (200, 10)).labels
    assert labels.shape == (200, 10)
    assert not labels.any()
    assert painted([found], [1], (200, 256)).labels[199].any()


def test_the_line_between_two_masks_falls_where_both_are_equally_sure():
    pair = [candidate(disc_logits(30, x, 10.0), at=(30, x)) for x in (20, 36)]
    labels, mirrored = (painted(order, [1, 2], (256, 256)).labels for order in (pair, pair[::-1]))
    assert set(np.unique(labels[:, :112])) == {0, 1}
    assert set(np.unique(labels[:, 116:])) == {0, 2}
    assert np.array_equal(labels > 0, mirrored > 0)


def test_crumbs_are_dropped():
    bar = np.full((SIZE, SIZE), -4.0)
    bar[30:33, 10:50] = 4.0
    cross = np.full((SIZE, SIZE), -4.0)
    cross[10:50, 40:44] = 8.0
    labels = painted([candidate(cross, at=(20, 41)), candidate(bar, at=(31, 12))], [1, 2], (256, 256)).labels
    assert ndimage.label(labels == 2)[1] == 1
    assert (labels == 1)[31 * 4, 41 * 4]


def test_the_highest_logit_is_remembered_and_nothing_is_minus_infinity():
    painting = painted([candidate(disc_logits(30, 30, 8.0), at=(30, 30))], [1], (256, 256))
    assert painting.logit[0, 0] == -np.inf
    assert painting.logit.max() == np.float32(painting.logit[121:124, 121:124].max())
    assert painted([], [], (5, 6)).labels.max() == 0
