"""The quicker gradients are those of torch."""

import pytest
import torch
from torch import nn
from torch.nn.functional import conv2d

from graticule.training.learners.depthwise import QuickDepthwise
from threads import one_thread  # noqa: F401

SHAPES = {  # kernel, stride, padding, dilation, edge
    "5 x 5": (5, 1, 2, 1, 11),
    "dilated": (3, 1, 2, 2, 13),
    "stride 2, odd": (3, 2, 1, 1, 21),
    "stride 2, even": (3, 2, 1, 1, 20),
    "1 x 1": (1, 1, 0, 1, 7),
}


def answers(shape, *, quick: bool, half: bool = False) -> list[torch.Tensor]:
    kernel, stride, padding, dilation, edge = shape
    torch.manual_seed(0)
    layer = nn.Conv2d(16, 16, kernel, stride, padding, dilation, groups=16, bias=False)
    image = torch.randn(2, 16, edge, edge, requires_grad=True)
    with torch.autocast("cpu", torch.bfloat16, enabled=half):
        if quick:
            with QuickDepthwise():
                told = layer(image)
        else:
            told = layer(image)
    gradient = torch.randn(told.shape).to(told.dtype)
    return [told, *torch.autograd.grad(told, (image, layer.weight), gradient)]


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_answers_and_gradients_are_those_of_torch(shape):
    torch.testing.assert_close(answers(shape, quick=True), answers(shape, quick=False), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_in_half_precision_too_but_for_its_rounding(shape):
    ours, theirs = answers(shape, quick=True, half=True), answers(shape, quick=False, half=True)
    assert ours[0].dtype == torch.bfloat16
    torch.testing.assert_close(ours, theirs, atol=0.25, rtol=0.05)


@pytest.mark.parametrize("groups", [1, 4])
def test_other_convolutions_are_left_alone(groups):
    layer, image = nn.Conv2d(16, 16, 3, groups=groups), torch.randn(1, 16, 8, 8)
    with QuickDepthwise():
        told = layer(image)
    assert "Depthwise" not in type(told.grad_fn).__name__


def test_nothing_is_kept_where_no_gradient_is_wanted():
    with torch.no_grad(), QuickDepthwise():
        told = conv2d(torch.randn(1, 4, 8, 8), torch.randn(4, 1, 3, 3), None, (1, 1), (1, 1), (1, 1), 4)
    assert told.grad_fn is None
