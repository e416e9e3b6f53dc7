"""The moving average follows the weights, slower the larger its decay."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from graticule.training.average import MovingAverage


def one(value: float) -> nn.Module:
    network = nn.Sequential(nn.Linear(1, 1, bias=False), nn.BatchNorm1d(1))
    nn.init.constant_(network[0].weight, value)
    return network


@settings(deadline=None)
@given(values=st.lists(st.floats(-10, 10), min_size=1, max_size=30), decay=st.floats(0, 0.999))
def test_it_is_the_published_sum(values, decay):
    average, expected = MovingAverage(one(0.0), decay=decay), 0.0
    for step, value in enumerate(values, start=1):
        average.update(one(value))
        kept = min(decay, (1 + step) / (10 + step))
        expected = kept * expected + (1 - kept) * value
    assert average.network[0].weight.item() == pytest.approx(expected, abs=1e-4)


def test_statistics_are_taken_as_they_are():
    network = one(1.0)
    average = MovingAverage(network, decay=0.9)
    network.train()(torch.tensor([[1.0], [5.0]]))
    average.update(network)
    torch.testing.assert_close(average.network[1].state_dict(), network[1].state_dict())


def test_it_is_in_evaluation_mode_and_apart_from_the_network():
    network = one(1.0).train()
    average = MovingAverage(network, decay=0.9)
    nn.init.constant_(network[0].weight, 7.0)
    assert not average.network.training
    assert not any(p.requires_grad for p in average.network.parameters())
    assert average.network[0].weight.item() == 1.0
