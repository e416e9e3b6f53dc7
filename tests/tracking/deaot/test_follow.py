"""Algorithm 1, with a carrier that holds everything to have stayed where it was."""

import numpy as np
import pytest

from cases import PIXELS, Case, draw
from graticule.tracking.deaot.carrier import Carrier
from graticule.tracking.deaot.follow import Follower, shifted
from graticule.tracking.deaot.settings import DeAOTSettings


class Still(Carrier):
    """Nothing moves: a pixel shows what it was held to show in the frame before."""

    def start(self, grey, objects, sites):
        self.objects = objects

    def move(self, drift):
        pass

    def look(self, grey, sites):
        position = {name: row for row, name in reversed(list(enumerate(sites.object.tolist())))}
        return np.vectorize(lambda name: position.get(name, -1))(self.objects)

    def remember(self, objects, sites):
        self.objects = objects


def frames_of(drawing):
    return draw(Case(name="", drawing=drawing)).labels


def followed(drawing, **options):
    """Return the follower after the last frame, and what each frame showed."""
    frames = frames_of(drawing)
    follower = Follower(Still(), DeAOTSettings(**options))
    grey = np.zeros(frames[0].shape, np.float32)
    follower.start(0, grey, frames[0])
    return follower, [follower.step(t, grey, frame) for t, frame in enumerate(frames[1:], 1)]


def test_what_is_seen_again_keeps_its_object():
    follower, _ = followed(
        """
        aa....  aa....
        aa..bb  aa..bb
        """
    )
    assert follower.sites.object.tolist() == [0, 1]
    assert follower.sites.frame.tolist() == [1, 1]


def test_what_nobody_covers_is_new():
    follower, _ = followed(
        """
        aa....  aa....
        aa....  aa..bb
        """
    )
    assert follower.sites.object.tolist() == [0, 1]


def test_new_names_never_collide_with_old_ones():
    follower, _ = followed(
        """
        aa....  aa....  ......  cc....
        aa....  aa..bb  ....bb  cc..bb
        """,
        kept_frames=0,
    )
    assert sorted(follower.sites.object.tolist()) == [1, 2]


def test_a_particle_that_is_missed_is_carried_on_where_it_was():
    follower, shown = followed(
        """
        aa....  ......  aa....
        aa..bb  ....bb  aa..bb
        """
    )
    assert shown[0].carried.tolist() == [True, False]
    assert follower.sites.object.tolist() == [0, 1]
    assert shown[1].sites.missed.tolist() == [0, 1]


def test_it_is_carried_no_longer_than_asked_for():
    follower, _ = followed(
        """
        aa....  ......  ......
        aa..bb  ....bb  ....bb
        """,
        kept_frames=1,
    )
    assert follower.sites.object.tolist() == [1]


def test_what_is_swallowed_is_not_carried_beside_its_host():
    follower, shown = followed(
        """
        aabb..  aaaa..
        aabb..  aaaa..
        """
    )
    assert not shown[0].carried.any()
    assert follower.sites.missed.tolist() == [0, 1]
    assert sorted(zip(shown[0].site.tolist(), shown[0].label.tolist(), strict=True)) == [(0, 1), (1, 1)]


def test_the_swallowed_keeps_its_pixels_and_comes_out_again():
    follower, _ = followed(
        """
        aabb..  aaaa..  aabb..
        aabb..  aaaa..  aabb..
        """
    )
    assert follower.sites.object.tolist() == [0, 1]


def test_a_piece_belongs_to_the_object_that_covers_it():
    follower, _ = followed(
        """
        aaaa..  aa.b..
        aaaa..  aa.b..
        """
    )
    assert follower.sites.object.tolist() == [0, 0]


@pytest.mark.parametrize(("least", "objects"), [(0.0, 2), (100.0, 1)])
def test_specks_below_the_smallest_diameter_are_no_objects(least, objects):
    frames = frames_of("aa....  aa....\naa....  aa..b.")
    follower = Follower(Still(), DeAOTSettings(), least_area_px=least)
    grey = np.zeros(frames[0].shape, np.float32)
    follower.start(0, grey, frames[0])
    follower.step(1, grey, frames[1])
    assert len(follower.sites) == objects


def test_a_frame_without_particles_ends_nothing_at_once():
    follower, _ = followed("aa..  ....\naa..  ....")
    assert follower.sites.missed.tolist() == [1]


class Blind(Still):
    """Sees nothing but what some objects show."""

    def __init__(self, *seen):
        self.seen = seen

    def look(self, grey, sites):
        owner = super().look(grey, sites)
        return np.where(np.isin(owner, self.seen), owner, -1)


def step_of(drawing, carrier, **moved):
    frames = frames_of(drawing)
    follower = Follower(carrier, DeAOTSettings())
    grey = np.zeros(frames[0].shape, np.float32)
    follower.start(0, grey, frames[0])
    found = follower.step(1, grey, frames[1], **moved)
    return follower, sorted(zip(found.site.tolist(), found.label.tolist(), strict=True))


def test_one_that_the_network_lets_another_swallow_is_still_linked_to_its_host():
    _, links = step_of(
        """
        aabb..  aaaa..
        aabb..  aaaa..
        """,
        Blind(0),
    )
    assert links == [(0, 1), (1, 1)]


def test_one_that_the_network_loses_keeps_its_object_where_an_instance_lies():
    follower, links = step_of(
        """
        aa..bb  aa..bb
        aa..bb  aa..bb
        """,
        Blind(0),
    )
    assert links == [(0, 1), (1, 2)]
    assert follower.sites.object.tolist() == [0, 1]


def test_where_the_specimen_moved_what_was_lost_is_looked_for_there():
    drawing = """
    aabb....  ....aabb
    aabb....  ....aabb
    """
    _, links = step_of(drawing, Blind(), drift=np.array([0.0, 4.0 * PIXELS]))
    assert links == [(0, 1), (1, 2)]
    _, links = step_of(drawing, Blind(), drift=np.array([0.0, 6.0 * PIXELS]))
    assert links == [(0, 2)]


@pytest.mark.parametrize("by", [(0, 0), (1.4, -2.3), (-1, 3), (9, 0), (0, -9)])
def test_labels_move_and_nothing_comes_in(by):
    labels = np.arange(1, 13, dtype=np.uint32).reshape(3, 4)
    moved = shifted(labels, np.array(by, np.float64))
    for y, x in np.ndindex(labels.shape):
        a, b = y - round(by[0]), x - round(by[1])
        inside = 0 <= a < 3 and 0 <= b < 4
        assert moved[y, x] == (labels[a, b] if inside else 0)
