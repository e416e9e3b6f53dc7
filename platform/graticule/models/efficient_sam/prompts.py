"""Prompts as vectors: where a point is, and what it means.

Letters: B images, Q prompts, P points of a prompt, C = 256 channels.
Source: Kirillov et al. 2023, https://arxiv.org/abs/2304.02643; random Fourier features of
Tancik et al. 2020, https://arxiv.org/abs/2006.10739.
"""

from collections.abc import Callable
from math import pi
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from graticule.models.efficient_sam.encoder import EMBEDDING

POINTS = 6
"""Points of a prompt that the network was made for; more are cut, fewer are padded."""


class Prompts(NamedTuple):
    """Tokens of each prompt, and how many equal tokens each stands for."""

    tokens: Float[Tensor, "b q p c"]
    counts: tuple[int, ...]


class PositionEncoding(nn.Module):
    """Random Fourier features of a place in the unit square; float32 whatever the network's dtype."""

    def __init__(self, channels: int = EMBEDDING) -> None:
        super().__init__()
        self.frequencies: Tensor
        self.register_buffer("frequencies", torch.randn(2, channels // 2))

    def forward(self, places: Float[Tensor, "*n 2"]) -> Float[Tensor, "*n c"]:
        """Return the features of places (x, y) in 0..1."""
        x, y = (2 * places.float() - 1).unsqueeze(-2).unbind(-1)
        phase = 2 * pi * (x * self.frequencies[0] + y * self.frequencies[1])
        return torch.cat([phase.sin(), phase.cos()], dim=-1)

    def grid(self, y: int, x: int) -> Float[Tensor, "n c"]:
        """Return the features of the centres of a grid's cells, row by row."""
        device = self.frequencies.device
        rows = (torch.arange(y, device=device) + 0.5) / y
        columns = (torch.arange(x, device=device) + 0.5) / x
        places = torch.stack([columns.expand(y, x), rows[:, None].expand(y, x)], dim=-1)
        features: Tensor = self(places.flatten(0, 1))
        return features

    def _apply(self, fn: Callable[..., Any], recurse: bool = True) -> "PositionEncoding":
        # Rounded to half precision the phases would move by whole pixels.
        frequencies = self.frequencies
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        if self.frequencies.dtype != torch.float32 and not frequencies.is_meta:
            self.frequencies = frequencies.to(self.frequencies.device, torch.float32)
        return self


class PromptEncoder(nn.Module):
    """Points with labels -> tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.places = PositionEncoding()
        self.kinds = nn.Parameter(torch.randn(4, EMBEDDING) * 0.02)
        """Rows: padding (label -1), point (1), top left (2) and bottom right (3) of a box."""

    def forward(
        self, points: Float[Tensor, "b q p 2"], labels: Int[Tensor, "b q p"], *, image_size: tuple[int, int]
    ) -> Prompts:
        """Return the tokens; the points that fill a prompt up to six are all equal and become one.

        Args:
            points: x, y in pixels; a negative coordinate counts as -1.
            labels: -1 padding, 0 background, 1 point, 2 and 3 corners of a box.
            image_size: Height and width in pixels of the network's input.
        """
        points, labels = points[:, :, :POINTS], labels[:, :, :POINTS]
        missing = POINTS - points.shape[2]
        if missing:
            shape = (*points.shape[:2], 1)
            points = torch.cat([points, points.new_full((*shape, 2), -1.0)], dim=2)
            labels = torch.cat([labels, labels.new_full(shape, -1)], dim=2)
        height, width = image_size
        size = torch.tensor([width, height], device=points.device)
        inside = torch.where(points >= 0, points, -1.0)
        tokens = self.places((inside + 0.5) / size).to(self.kinds.dtype) + self._kind(labels)
        counts = [1] * (POINTS - missing) + [missing] * (missing > 0)
        return Prompts(tokens, tuple(counts))

    def _kind(self, labels: Int[Tensor, "b q p"]) -> Float[Tensor, "b q p c"]:
        padding, point, corners = self.kinds[:1], self.kinds[1:2], self.kinds[2:]
        table = torch.cat([padding, torch.zeros_like(padding), point, corners])
        return table[labels.long() + 1]
