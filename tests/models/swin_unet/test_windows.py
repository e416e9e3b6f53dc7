import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from graticule.models.swin_unet.windows import join, offset_index, partition, strangers

extent = st.integers(1, 4)


@given(batch=st.integers(1, 3), rows=extent, columns=extent, window=st.integers(2, 5), dim=st.integers(1, 3))
def test_joining_the_windows_gives_the_map_back(batch, rows, columns, window, dim):
    tokens = torch.rand(batch, rows * window, columns * window, dim)
    windows = partition(tokens, window)
    assert windows.shape == (batch * rows * columns, window**2, dim)
    assert torch.equal(join(windows, (rows * window, columns * window), window), tokens)


@given(rows=st.integers(2, 4), columns=st.integers(2, 4), window=st.integers(2, 5), data=st.data())
def test_tokens_are_strangers_if_the_roll_brought_them_from_opposite_edges(rows, columns, window, data):
    shift = data.draw(st.integers(1, window - 1))
    size = (rows * window, columns * window)
    y, x = (torch.arange(extent).roll(-shift) for extent in size)
    places = torch.stack(torch.meshgrid(y, x, indexing="ij"), -1)
    there = partition(places[None].float(), window)
    away = (there[:, :, None] - there[:, None]).abs().amax(-1)
    assert torch.equal(strangers(size, window, shift), away >= window)


def test_pairs_with_the_same_offset_share_a_bias():
    index = offset_index(2)
    assert index.tolist() == [[4, 3, 1, 0], [5, 4, 2, 1], [7, 6, 4, 3], [8, 7, 5, 4]]


@pytest.mark.parametrize("window", [2, 5, 7])
def test_there_is_a_bias_for_every_offset(window):
    assert offset_index(window).unique().tolist() == list(range((2 * window - 1) ** 2))
