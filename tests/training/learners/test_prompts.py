"""Prompts lie where they should, and mean the particle that they hit."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from graticule.training.batch import Batch
from graticule.training.learners.prompts import BOX_END, BOX_START, KINDS, PADDING, POINT, drawn
from training.tiny import batch_of, crop


def asked_of(batch: Batch, count: int, seed: int = 0):
    torch.manual_seed(seed)
    return drawn(batch, count)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**31), count=st.integers(1, 40), particles=st.integers(1, 6))
def test_points_lie_in_the_particle_they_ask_for(seed, count, particles):
    batch = batch_of(48, seed, particles=particles)
    asked = asked_of(batch, count, seed)
    image, query, place = (asked.labels == POINT).nonzero(as_tuple=True)
    x, y = asked.points[image, query, place].long().T
    assert torch.equal(batch.labels[image, y, x], asked.particle[image, query])


def test_prompts_are_of_all_kinds_and_padding_is_minus_one():
    asked = asked_of(batch_of(64, 1), 200)
    assert {tuple(row) for row in asked.labels[0].tolist()} == set(KINDS)
    assert (asked.points[asked.labels == PADDING] == -1).all()
    assert (asked.points[asked.labels != PADDING] >= 0).all()


def test_boxes_surround_their_particles_give_or_take():
    batch = batch_of(96, 4, particles=3)
    asked = asked_of(batch, 300)
    for image, query in (asked.labels[:, :, 1] == BOX_START).nonzero().tolist():
        y, x = (batch.labels[image] == asked.particle[image, query]).nonzero(as_tuple=True)
        extent = torch.stack([x, y]).amax(1) - torch.stack([x, y]).amin(1) + 1
        start, end = asked.points[image, query, 1:]
        assert asked.labels[image, query, 2] == BOX_END
        assert (end >= start).all()
        off = (start - torch.stack([x, y]).amin(1) + 0.5).abs()
        assert (off <= 0.6 * extent + 1).all()  # six deviations


def test_every_particle_is_asked_for_as_often_as_another():
    batch = Batch.of([crop(64, 3, particles=4)])
    particles = int(batch.labels.max())
    asked = asked_of(batch, 5 * particles)
    assert asked.particle[0].bincount()[1:].tolist() == [5] * particles


def test_points_are_the_likelier_the_deeper():
    batch = Batch.of([crop(64, 3, particles=1)])
    asked = asked_of(batch, 400)
    points = asked.points[0, asked.labels[0, :, 0] == POINT, 0].long()
    inside = batch.distance[0, 0][batch.labels[0] > 0]
    deep = batch.distance[0, 0, points[:, 1], points[:, 0]]
    assert deep.mean() > 1.2 * inside.mean()
    assert deep.min() < 0.3


@pytest.mark.parametrize("kind", [{"parted": False}, {"particles": 0}])
def test_images_with_nothing_to_ask_for_get_prompts_that_do_not_count(kind):
    asked = asked_of(batch_of(64, 1, **kind), 6)
    assert asked.points.shape == (2, 6, 3, 2)
    assert not asked.counts.any()


def test_the_same_seed_gives_the_same_prompts():
    batch = batch_of(64, 2)
    for one, other in zip(asked_of(batch, 8, 5), asked_of(batch, 8, 5), strict=True):
        assert torch.equal(one, other)
    assert not torch.equal(asked_of(batch, 8, 5).points, asked_of(batch, 8, 6).points)
