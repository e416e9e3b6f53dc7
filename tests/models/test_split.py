import numpy as np
import pytest

from graticule.models.split import components, split_touching


def discs(*centres_and_radii, shape=(60, 90)):
    y, x = np.indices(shape)
    return np.any([np.hypot(y - cy, x - cx) <= r for cy, cx, r in centres_and_radii], axis=0)


@pytest.mark.parametrize("r", [3, 4, 8, 15, 25])
def test_a_disc_stays_whole(r):
    assert split_touching(components(discs((30, 40, r)))).max() == 1


@pytest.mark.parametrize("r", [4, 8, 12])
def test_two_touching_discs_are_parted(r):
    labels = split_touching(components(discs((30, 30, r), (30, 30 + 2 * r - 1, r))))
    assert labels.max() == 2
    assert labels[30, 30] != labels[30, 30 + 2 * r - 1]


def test_parting_keeps_every_pixel():
    mask = discs((30, 30, 9), (30, 47, 9), (45, 38, 9))
    labels = split_touching(components(mask))
    assert np.array_equal(labels > 0, mask)
    assert labels.max() == 3


def test_grown_together_bodies_stay_one():
    assert split_touching(components(discs((30, 30, 12), (30, 38, 12)))).max() == 1


def test_a_small_particle_beside_a_large_one_is_parted():
    assert split_touching(components(discs((30, 30, 15), (30, 49, 5)))).max() == 2


def test_a_bodys_pieces_do_not_depend_on_what_else_is_there():
    pair = discs((30, 30, 8), (30, 45, 8))
    alone = split_touching(components(pair))
    crowd = split_touching(components(pair | discs((5, 5, 4), (50, 80, 6), (50, 70, 5))))
    assert np.array_equal(crowd[pair] == crowd[30, 30], alone[pair] == alone[30, 30])


def test_diagonal_neighbours_are_one_component():
    assert components(np.eye(5, dtype=bool)).max() == 1


def test_nothing_stays_nothing():
    assert split_touching(components(np.zeros((8, 8), bool))).max() == 0
