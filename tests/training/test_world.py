"""A worker alone and a group of one do the same; groups of two are in test_two_workers."""

from collections.abc import Iterator

import pytest
import torch
from torch import distributed, nn

from graticule.training.world import Alone, Group, World, current


@pytest.fixture(params=["alone", "group"])
def world(request, tmp_path) -> Iterator[World]:
    if request.param == "alone":
        yield Alone()
        return
    distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/meeting", rank=0, world_size=1)
    yield Group()
    distributed.destroy_process_group()


def test_of_one_worker_the_mean_is_its_own_value(world):
    values = [torch.tensor([1.0, 2.0]), torch.tensor(3.0)]
    world.average(values)
    assert [value.tolist() for value in values] == [[1.0, 2.0], 3.0]
    assert world.from_first({"score": 1}) == {"score": 1}
    assert (world.rank, world.size) == (0, 1)


def test_gradients_of_silent_calls_are_added_up(world):
    module = nn.Linear(1, 1, bias=False)
    wrapped = world.wrap(module)
    with world.silent(wrapped):
        wrapped(torch.tensor([[2.0]])).sum().backward()
    wrapped(torch.tensor([[3.0]])).sum().backward()
    assert module.weight.grad.item() == 5.0


def test_whoever_is_in_no_group_of_several_is_alone(world):
    assert isinstance(current(), Alone)
