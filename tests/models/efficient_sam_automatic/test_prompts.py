import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from graticule.models.efficient_sam.automatic.candidate import Lattice
from graticule.models.efficient_sam.automatic.prompts import Prompts, blobs, grid, nearest_view, proposals

SMALL = Lattice(top=0, left=0, step=0.5, size=256)


def dark_discs(*places, shape=(128, 128)):
    y, x = np.indices(shape)
    return np.where(np.any([np.hypot(y - a, x - b) <= r for a, b, r in places], axis=0), 0.2, 0.8).astype(
        np.float32
    )


def test_a_grid_is_even_and_stays_in_the_patch():
    found = grid((100, 128), SMALL, per_side=4, first=10)
    assert found.points[:4, 0].tolist() == [[15.5, 15.5], [15.5, 47.5], [15.5, 79.5], [15.5, 111.5]]
    assert found.points[..., 0].max() == 79.5
    assert found.order.tolist() == list(range(10, 22))


def test_a_one_pixel_patch_may_have_no_grid_point():
    assert len(grid((1, 1), SMALL, per_side=4)) == 0


@given(top=st.integers(0, 50), zoom=st.floats(0.3, 5))
def test_pixel_edges_go_to_pixel_edges_of_the_input(top, zoom):
    lattice = Lattice(top=top, left=0, step=4 / zoom, size=256)
    edges = np.array([[[top - 0.5, -0.5], [top + 1024 / zoom - 0.5, 9 / zoom - 0.5]]], np.float32)
    prompts = Prompts(points=edges, labels=(2, 3), order=np.arange(1))
    np.testing.assert_allclose(prompts.in_view(lattice, 1024)[0], [[-0.5, -0.5], [8.5, 1023.5]], atol=2e-3)


def test_corners_beyond_the_view_are_moved_to_its_edge():
    prompts = Prompts(points=np.array([[[-40, 500]]], np.float32), labels=(1,), order=np.arange(1))
    assert prompts.in_view(SMALL, 1024).tolist() == [[[1023.5, -0.5]]]
    assert prompts.on_lattice(SMALL).tolist() == [[0, 255]]


def test_a_piece_is_asked_for_with_its_box_and_its_deepest_point():
    pieces = np.zeros((128, 128), np.uint32)
    pieces[20:41, 30:51] = 7
    pieces[25, 51:80] = 7
    [found] = proposals(pieces, dark_discs((30, 40, 10)), scale_px=7.0)
    assert found.labels == (1, 2, 3)
    assert found.points[0].tolist() == [[30, 40], [19.5, 29.5], [40.5, 79.5]]


def test_a_piece_of_several_blobs_is_asked_for_at_each_of_them():
    grey = dark_discs((40, 40, 10), (40, 58, 10), (90, 90, 10))
    pieces = np.where(grey < 0.5, 1, 0).astype(np.uint32)
    pieces[80:] *= 2
    boxed, centres = proposals(pieces, grey, scale_px=7.0)
    assert len(boxed) == 2
    assert np.abs(centres.points[:, 0] - [[40, 40], [40, 58]]).max() <= 2
    assert centres.order.tolist() == [2, 3]


def test_large_blobs_are_found_on_a_coarser_image():
    grey = dark_discs((150, 160, 60), shape=(300, 320))
    owner, centres = blobs(grey, (grey < 0.5).astype(np.uint32), scale_px=42.0)
    assert owner.tolist() == [1]
    assert np.abs(centres[0] - [150, 160]).max() <= 8


def test_nothing_found_is_nothing_asked():
    assert proposals(np.zeros((9, 9), np.uint32), np.zeros((9, 9), np.float32), scale_px=3.0) == []


def test_a_point_goes_to_the_view_in_whose_middle_it_lies_most():
    views = [Lattice(top=0, left=left, step=1.0, size=100) for left in (0, 80, 160)]
    points = np.array([[50, 10], [50, 86], [50, 94], [50, 259]], np.float32)
    assert nearest_view(points, views).tolist() == [0, 0, 1, 2]
