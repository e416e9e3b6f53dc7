import torch
from torch.nn.functional import pad, unfold

from graticule.tracking.deaot.attention import WINDOW, attend_nearby
from graticule.tracking.deaot.config import REACH


def tokens(grid, *widths):
    torch.manual_seed(0)
    return [torch.randn(2, grid[0] * grid[1], width) for width in widths]


def unfolded(queries, keys, values, relative, grid):
    """The same attention as published: every neighbourhood laid out, what lies outside masked."""

    def around(part):
        map_ = part.transpose(1, 2).reshape(len(part), -1, *grid)
        laid = unfold(pad(map_, (REACH,) * 4), WINDOW).reshape(len(part), -1, WINDOW**2, grid[0] * grid[1])
        return laid.permute(0, 3, 2, 1)

    inside = around(torch.ones(1, grid[0] * grid[1], 1))[..., 0] > 0
    scores = (around(keys) @ (queries / queries.shape[-1] ** 0.5)[..., None])[..., 0] + relative
    weights = scores.masked_fill(~inside, -1e8).softmax(-1)
    return (weights[:, :, None] @ around(values))[:, :, 0]


def test_blocks_of_queries_find_what_the_unfolded_form_finds():
    for grid in ((5, 4), (12, 12), (19, 30)):
        given = tokens(grid, 8, 8, 6, WINDOW**2)
        found = attend_nearby(*given, grid=grid)
        assert torch.allclose(found, unfolded(*given, grid), atol=1e-5)


def test_what_lies_further_than_its_reach_does_not_count():
    grid = (1, 20)
    queries, keys, values, relative = tokens(grid, 8, 8, 6, WINDOW**2)
    before = attend_nearby(queries, keys, values, relative, grid=grid)
    values[:, REACH + 1 :] += 100
    after = attend_nearby(queries, keys, values, relative, grid=grid)
    assert torch.equal(before[:, 0], after[:, 0])
    assert not torch.equal(before[:, 1], after[:, 1])


def test_gradients_reach_queries_keys_values_and_offsets():
    grid = (14, 9)
    given = [part.requires_grad_() for part in tokens(grid, 4, 4, 3, WINDOW**2)]
    attend_nearby(*given, grid=grid).square().sum().backward()
    assert all(part.grad is not None and part.grad.abs().sum() > 0 for part in given)


def test_gradients_flow_where_the_same_grid_was_seen_in_an_inference():
    grid = (7, 11)
    given = tokens(grid, 8, 8, 6, WINDOW**2)
    with torch.inference_mode():
        attend_nearby(*given, grid=grid)
    given[3].requires_grad_(True)
    attend_nearby(*given, grid=grid).sum().backward()
    assert given[3].grad is not None
