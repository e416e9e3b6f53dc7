from math import pi

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graticule.synthetic.bodies import Bodies
from graticule.synthetic.growth import coalesce, join
from graticule.synthetic.raster import cover, in_one_piece
from graticule.synthetic.shapes import shapes_of, volume_of

CANVAS = slice(0, 160), slice(0, 160)


def spheres(*places_and_radii):
    table = np.array(places_and_radii, dtype=float)
    count = len(table)
    return Bodies(
        centre=table[:, :2].copy(),
        radius=table[:, 2].copy(),
        lobes=np.stack([table[:, 2], np.zeros(count)], axis=1),
        elongation=np.zeros(count),
        axis=np.tile([0.0, 1.0], (count, 1)),
        tilt=np.zeros((count, 2)),
        track=np.zeros(count, dtype=np.int64),
        alive=np.ones(count, dtype=bool),
    )


def touching_pair(larger, smaller, angle=0.3, gap=0.0):
    offset = (larger + smaller + gap) * np.array([np.sin(angle), np.cos(angle)])
    bodies = spheres((80, 80, larger), (80 + offset[0], 80 + offset[1], smaller))
    join(bodies, 0, 1, offset)
    return bodies


radii = st.floats(3.0, 25.0)


@settings(deadline=None, max_examples=40)
@given(larger=radii, smaller=radii, angle=st.floats(0, 6.3))
def test_coalescence_conserves_volume_from_contact_to_sphere(larger, smaller, angle):
    larger, smaller = max(larger, smaller), min(larger, smaller)
    bodies = touching_pair(larger, smaller, angle)
    for _ in range(8):
        volume = volume_of(shapes_of(bodies, np.array([0])))[0]
        assert volume == pytest.approx(4 / 3 * pi * (larger**3 + smaller**3), rel=5e-3)
        coalesce(bodies)


def test_the_neck_grows_until_the_pair_is_a_sphere():
    bodies = touching_pair(12, 12, angle=0.0)
    necks = []
    while bodies.elongation[0] > 0:
        covered = cover(shapes_of(bodies, np.array([0])), CANVAS)
        necks.append(np.count_nonzero(covered.x == round(float(bodies.centre[0, 1]))))
        coalesce(bodies)
    assert 15 < len(necks) < 60
    assert necks[0] <= 9
    assert (np.diff(necks) >= -1).all()
    assert necks[-1] == pytest.approx(2 * 12 * 2 ** (1 / 3), abs=2)


@settings(deadline=None, max_examples=40)
@given(larger=radii, smaller=radii, angle=st.floats(0, 6.3), gap=st.floats(-1.0, 1.4))
def test_a_pair_that_sticks_is_one_piece_ever_after(larger, smaller, angle, gap):
    bodies = touching_pair(max(larger, smaller), min(larger, smaller), angle, gap)
    for _ in range(6):
        coalesce(bodies)
        assert in_one_piece(shapes_of(bodies, np.array([0])))


def test_spheres_well_apart_are_two_pieces():
    assert not in_one_piece(shapes_of(touching_pair(10, 6, gap=3.0), np.array([0])))


@settings(deadline=None, max_examples=40)
@given(y=st.floats(60, 100), x=st.floats(60, 100), radius=radii)
def test_a_sphere_covers_its_disc_and_projects_its_volume(y, x, radius):
    covered = cover(shapes_of(spheres((y, x, radius)), np.array([0])), CANVAS)
    inside = np.hypot(covered.y - y, covered.x - x)
    assert inside.max() <= radius
    assert len(inside) == pytest.approx(pi * radius**2, abs=2 + 2 * radius)
    assert covered.thickness.sum() == pytest.approx(4 / 3 * pi * radius**3, rel=0.06)


def test_bodies_beyond_the_canvas_cover_nothing():
    covered = cover(shapes_of(spheres((-40, 20, 9), (20, 300, 9)), np.array([0, 1])), CANVAS)
    assert len(covered.owner) == 0
