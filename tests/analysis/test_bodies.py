import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage
from skimage.measure import perimeter_crofton, regionprops
from skimage.morphology import convex_hull_image

from graticule.analysis.bodies import join_rows, measure_bodies

DRAWN = """
aaa..bb
aaa...b
aaa....
.......
..cc.d.
..ccddd
"""


def drawn(text):
    rows = text.strip().splitlines()
    return np.array([[0 if c == "." else ord(c) - 96 for c in row] for row in rows], np.uint32)[None]


def blobs(size=160, seed=3):
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=(size, size)), 4)
    return ndimage.label(noise > 0.03)[0].astype(np.uint32)


def measured(labels, image=None):
    image = np.ones(labels.shape, np.float32) if image is None else image
    return measure_bodies(labels, labels.astype(np.uint32), image)


def test_drawn_bodies_have_the_areas_and_centroids_one_counts():
    rows = measured(drawn(DRAWN))
    assert rows["track"].tolist() == [1, 2, 3, 4]
    assert rows["area_px"].tolist() == [9, 3, 4, 4]
    assert rows["y_px"][0] == rows["x_px"][0] == 1.0
    assert rows["touches_border"].tolist() == [True, True, True, True]
    assert rows["solidity"].tolist() == [1, 1, 1, 1]


@pytest.mark.parametrize(
    ("column", "attribute"),
    [
        ("area_px", "area"),
        ("equivalent_diameter_px", "equivalent_diameter_area"),
        ("major_axis_px", "axis_major_length"),
        ("minor_axis_px", "axis_minor_length"),
        ("eccentricity", "eccentricity"),
        ("mean_intensity", "intensity_mean"),
    ],
)
def test_measures_agree_with_regionprops(column, attribute):
    labels = blobs()
    image = np.random.default_rng(0).integers(0, 60000, labels.shape, np.uint16)
    rows = measured(labels[None], image[None])
    expected = [getattr(region, attribute) for region in regionprops(labels, image)]
    np.testing.assert_allclose(rows[column], expected, rtol=1e-6, atol=1e-5)


def test_orientation_agrees_with_regionprops_where_it_is_defined():
    labels = blobs()
    rows = measured(labels[None])
    expected = np.array([region.orientation for region in regionprops(labels)])
    turned = np.angle(np.exp(2j * (rows["orientation_rad"] - expected)))
    elongated = rows["eccentricity"] > 0.1
    assert np.abs(turned[elongated]).max() < 1e-6


def test_perimeter_is_the_crofton_estimate_of_skimage():
    labels = blobs()
    rows = measured(labels[None])
    expected = [perimeter_crofton(np.pad(r.image, 1), directions=4) for r in regionprops(labels)]
    np.testing.assert_allclose(rows["perimeter_px"], expected, rtol=1e-9)


def test_perimeter_of_a_large_disc_is_right_within_two_percent():
    y, x = np.indices((128, 128))
    disc = ((y - 63.3) ** 2 + (x - 64.1) ** 2 < 40**2).astype(np.uint32)
    assert measured(disc[None])["perimeter_px"][0] == pytest.approx(2 * np.pi * 40, rel=0.02)


masks = hnp.arrays(np.uint32, st.tuples(st.integers(1, 12), st.integers(1, 12)), elements=st.integers(0, 3))


@given(labels=masks)
@settings(deadline=None, max_examples=60)
def test_convex_area_counts_the_pixels_with_centres_in_the_hull(labels):
    rows = measured(labels[None])
    for track, area, solidity in zip(rows["track"], rows["area_px"], rows["solidity"], strict=True):
        assert area / solidity == pytest.approx(pixels_in_hull(labels == track))


def pixels_in_hull(mask):
    if min(np.ptp(axis) for axis in np.nonzero(mask)) == 0 or collinear(mask):
        y, x = np.nonzero(mask)
        return np.gcd(np.ptp(y), np.ptp(x)) + 1
    return convex_hull_image(np.pad(mask, 1), offset_coordinates=False).sum()


def collinear(mask):
    points = np.argwhere(mask)
    return np.linalg.matrix_rank(points - points[0]) < 2


@given(labels=masks)
@settings(deadline=None, max_examples=60)
def test_every_pixel_is_counted_once(labels):
    rows = measured(labels[None])
    assert rows["area_px"].sum() == np.count_nonzero(labels)
    assert rows["track"].tolist() == sorted(set(labels.ravel().tolist()) - {0})


def test_pieces_of_one_track_are_one_body_named_after_the_largest():
    tracks, instances = drawn("aaa..\naaa.a"), drawn("bbb..\nccc.d")
    instances[0, 0, 0] = 3
    rows = measure_bodies(tracks, instances, np.ones(tracks.shape))
    assert rows["pieces"].tolist() == [3]
    assert rows["label"].tolist() == [3]
    assert rows["area_px"].tolist() == [7]


def test_touching_pieces_have_no_outline_between_them():
    whole = measured(drawn("aaaa\naaaa"))
    split = measure_bodies(drawn("aaaa\naaaa"), drawn("aabb\naabb"), np.ones((1, 2, 4)))
    assert split["perimeter_px"] == whole["perimeter_px"]


def test_frames_without_bodies_give_no_rows():
    rows = measured(np.zeros((3, 5, 5), np.uint32))
    assert len(rows["track"]) == 0
    assert rows["area_px"].dtype == np.int64


def test_cutting_a_movie_into_runs_changes_nothing():
    movie = np.stack([blobs(seed=seed) for seed in range(5)])
    halves = [(3, measured(movie[3:])), (0, measured(movie[:3]))]
    for name, column in measured(movie).items():
        np.testing.assert_array_equal(join_rows(halves)[name], column)


def test_large_offsets_do_not_spoil_the_moments():
    labels = np.zeros((1, 40, 9000), np.int64)
    labels[0, 10:20, 8900:8930] = 5_000_000_000
    rows = measured(labels)
    assert rows["track"].tolist() == [5_000_000_000]
    assert rows["major_axis_px"][0] == pytest.approx(4 * np.sqrt((30**2 - 1) / 12))
