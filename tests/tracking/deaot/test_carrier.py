import numpy as np
import pytest
import torch

from graticule.tracking.deaot import DeAOT, DeAOTConfig
from graticule.tracking.deaot.carrier import SlotCarrier, nearest_sites, slots_of
from graticule.tracking.deaot.sight import Lens
from graticule.tracking.deaot.sites import Sites


def sites(*places, radius=5.0, objects=None):
    n = len(places)
    return Sites(
        object=np.arange(n) if objects is None else np.array(objects),
        frame=np.zeros(n, np.int64),
        label=np.arange(1, n + 1),
        place=np.array(places, np.float64).reshape(n, 2),
        area=np.full(n, np.pi * radius**2),
        missed=np.zeros(n, np.int64),
    )


def test_neighbours_have_slots_of_their_own_and_far_ones_share():
    row = sites(*((10, 12.0 * k) for k in range(40)))
    slots = slots_of(row, {}, slots=10, gap_diameters=1.5)
    assert set(slots.values()) <= set(range(1, 11))
    for one in range(40):
        assert all(slots[one] != slots[other] for other in range(max(0, one - 2), one))


def test_a_slot_is_kept_until_another_of_its_slot_comes_near():
    apart = slots_of(sites((0, 0), (0, 200)), {0: 3, 1: 3}, slots=10, gap_diameters=1.5)
    assert apart == {0: 3, 1: 3}
    near = slots_of(sites((0, 0), (0, 12)), {0: 3, 1: 3}, slots=10, gap_diameters=1.5)
    assert near[0] == 3
    assert near[1] not in (0, 3)


def test_more_neighbours_than_slots_still_have_one_each():
    crowd = sites(*((y, x) for y in range(0, 20, 5) for x in range(0, 20, 5)))
    slots = slots_of(crowd, {}, slots=3, gap_diameters=1.5)
    assert len(slots) == 16
    assert set(slots.values()) <= {1, 2, 3}


def test_a_pixel_belongs_to_the_nearest_site_of_its_slot():
    shown = np.array([[1, 0, 2, 1]])
    found = nearest_sites(shown, np.array([1, 2, 1]), np.array([[0, 0], [0, 0], [0, 3]], np.float64))
    assert found.tolist() == [[0, -1, 1, 2]]


@pytest.fixture
def carrier():
    torch.manual_seed(0)
    network = DeAOT(DeAOTConfig()).eval()
    return SlotCarrier(
        network,
        Lens.of((49, 49), zoom=1.0),
        device=torch.device("cpu"),
        gap_diameters=1.5,
        memory_views=3,
        memory_gap=2,
    )


def test_memory_is_bounded_by_what_is_in_view(carrier):
    there = sites((10, 10), (35, 35))
    objects = np.full((49, 49), -1)
    objects[5:16, 5:16], objects[30:41, 30:41] = 0, 1
    grey = np.where(objects >= 0, 0.2, 0.8).astype(np.float32)
    carrier.start(grey, objects, there)
    sizes = []
    for _ in range(12):
        assert carrier.look(grey, there).shape == (49, 49)
        carrier.remember(objects, there)
        sizes.append(len(carrier.memory))
    assert sizes[-1] == sizes[-5] == max(sizes)


def test_an_object_that_is_gone_leaves_the_memory(carrier):
    there = sites((10, 10), (35, 35))
    objects = np.full((49, 49), -1)
    objects[5:16, 5:16], objects[30:41, 30:41] = 0, 1
    grey = np.where(objects >= 0, 0.2, 0.8).astype(np.float32)
    carrier.start(grey, objects, there)
    carrier.look(grey, there)
    before = len(carrier.memory)
    carrier.remember(np.where(objects == 1, -1, objects), there.take(np.array([0])))
    assert len(carrier.memory) < before


def test_the_commonest_object_of_a_token_owns_it():
    lens = Lens.of((33, 33), zoom=1.0)
    objects = np.full((33, 33), -1)
    objects[:8, :8] = 4
    assert lens.owners(objects).reshape(3, 3).tolist() == [[4, -1, -1], [-1, -1, -1], [-1, -1, -1]]


@pytest.mark.parametrize(("zoom", "size"), [(1.0, (65, 97)), (2.0, (129, 193)), (0.4, (33, 33))])
def test_a_lens_magnifies_to_a_size_that_the_network_takes(zoom, size):
    lens = Lens.of((64, 96), zoom=zoom)
    assert lens.size == size
    labels = np.zeros((64, 96), np.int64)
    labels[-1, -1], labels[0, 0] = 2, 1
    sampled = lens.sampled(labels)
    assert sampled.shape == size
    assert (sampled[0, 0], sampled[-1, -1]) == (1, 2)


def test_tokens_move_with_the_specimen():
    lens = Lens.of((25, 33), zoom=2.0)
    assert lens.grid == (4, 5)
    still = np.arange(20).reshape(4, 5)
    assert (lens.moved(np.array([3.9, -3.9])) == still.ravel()).all()
    down = lens.moved(np.array([8.0, 0.0])).reshape(4, 5)
    assert (down[0] == -1).all()
    assert (down[1:] == still[:-1]).all()
    left = lens.moved(np.array([0.0, -17.0])).reshape(4, 5)
    assert (left[:, -2:] == -1).all()
    assert (left[:, :-2] == still[:, 2:]).all()
    assert (lens.moved(np.array([500.0, 0.0])) == -1).all()


def test_what_was_near_in_the_frame_before_moves_with_the_specimen(carrier):
    there = sites((10, 10), (26, 26))
    objects = np.full((49, 49), -1)
    objects[5:16, 5:16], objects[21:32, 21:32] = 0, 1
    carrier.start(np.where(objects >= 0, 0.2, 0.8).astype(np.float32), objects, there)
    before = carrier._short[0].key.reshape(4, 4, -1)
    carrier.move(np.array([16.0, 0.0]))
    after = carrier._short[0].key.reshape(4, 4, -1)
    assert torch.equal(after[1:], before[:-1])
    film = int(np.argmin(carrier.lens.owners(objects)))
    assert carrier.lens.owners(objects)[film] == -1
    assert torch.equal(after[0], before.reshape(16, -1)[film].expand(4, -1))
