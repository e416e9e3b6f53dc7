"""One view of a frame as the network takes it, and what it answers, back in pixels of the frame."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float32, Int
from torch import Tensor
from torch.nn.functional import interpolate, one_hot

from graticule.tracking.deaot.config import STRIDE
from graticule.tracking.deaot.network import normalised


@dataclass(frozen=True, kw_only=True, slots=True)
class Lens:
    """How a view of ``shape`` pixels becomes the network's ``size``, corner on corner."""

    shape: tuple[int, int]
    size: tuple[int, int]

    @classmethod
    def of(cls, shape: tuple[int, int], *, zoom: float) -> "Lens":
        """Return the lens that magnifies nearest to ``zoom``."""
        height, width = (STRIDE * max(1, round((edge - 1) * zoom / STRIDE)) + 1 for edge in shape)
        return cls(shape=shape, size=(height, width))

    @property
    def grid(self) -> tuple[int, int]:
        """Tokens down and across."""
        return (self.size[0] - 1) // STRIDE + 1, (self.size[1] - 1) // STRIDE + 1

    def image(self, grey: Float32[np.ndarray, "y x"]) -> Tensor:
        """Return grey levels in 0..1 as the network's image."""
        pixels = torch.from_numpy(grey)[None, None]
        shrinks = self.size[0] < self.shape[0]
        scaled = interpolate(pixels, self.size, mode="bilinear", align_corners=True, antialias=shrinks)
        return normalised(scaled).contiguous(memory_format=torch.channels_last)

    def sampled(self, labels: Int[np.ndarray, "y x"]) -> Int[np.ndarray, "v u"]:
        """Return labels at the network's pixels."""
        return _nearest(labels, self.size)

    def restored(self, labels: Int[np.ndarray, "v u"]) -> Int[np.ndarray, "y x"]:
        """Return labels of the network's pixels at those of the view."""
        return _nearest(labels, self.shape)

    def slots(self, slots: Int[np.ndarray, "y x"], *, count: int) -> Tensor:
        """Return a slot map as the network takes it: one map per slot, background first."""
        maps = one_hot(torch.from_numpy(self.sampled(slots)).long(), count + 1)
        return maps.permute(2, 0, 1)[None].float()

    def answer(self, logits: Tensor) -> Int[np.ndarray, "y x"]:
        """Return the likeliest slot of each pixel of the view, 0 is background."""
        full = interpolate(logits, self.shape, mode="bilinear", align_corners=True)
        return full.argmax(1)[0].to(torch.int64).numpy(force=True)

    def moved(self, drift: Float[np.ndarray, "2"]) -> Int[np.ndarray, " n"]:
        """Return which token comes to each one's place when all move by (dy, dx) px; -1: one from outside."""
        steps = [
            round(float(d) * to / of / STRIDE) for d, to, of in zip(drift, self.size, self.shape, strict=True)
        ]
        rows, columns = (np.arange(edge) - step for edge, step in zip(self.grid, steps, strict=True))
        outside = ((rows < 0) | (rows >= self.grid[0]))[:, None] | (columns < 0) | (columns >= self.grid[1])
        return np.where(outside, -1, rows[:, None] * self.grid[1] + columns).ravel()

    def owners(self, objects: Int[np.ndarray, "y x"]) -> Int[np.ndarray, " n"]:
        """Return the object that has most of each token's pixels (an eighth at least), or -1.

        Args:
            objects: The object of each pixel of the view; -1 is background.
        """
        sampled = self.sampled(objects)
        half = STRIDE // 2
        padded = np.pad(sampled, ((half, half - 1), (half, half - 1)), constant_values=-1)
        rows, columns = self.grid
        cells = padded.reshape(rows, STRIDE, columns, STRIDE).swapaxes(1, 2).reshape(rows * columns, -1)
        return _commonest(cells, least=STRIDE**2 // 8)


def _nearest(labels: Int[np.ndarray, "a b"], shape: tuple[int, int]) -> Int[np.ndarray, "c d"]:
    rows, columns = (
        np.rint(np.linspace(0, edge - 1, new)).astype(np.int64)
        for edge, new in zip(labels.shape, shape, strict=True)
    )
    return np.asarray(labels[np.ix_(rows, columns)])


def _commonest(cells: Int[np.ndarray, "n p"], *, least: int) -> Int[np.ndarray, " n"]:
    """Return the commonest value >= 0 of each row that occurs ``least`` times, or -1."""
    ordered = np.sort(cells, 1)
    new = np.diff(ordered, axis=1, prepend=-2) != 0
    rows, starts = np.nonzero(new)
    ends = np.append(starts[1:], ordered.shape[1])
    ends[np.append(rows[1:] != rows[:-1], True)] = ordered.shape[1]
    count, value = ends - starts, ordered[rows, starts]
    good = (value >= 0) & (count >= least)
    found = np.full(len(cells), -1, np.int64)
    order = np.lexsort((-value[good], count[good]))  # the last write wins: most pixels, lowest object
    found[rows[good][order]] = value[good][order]
    return found
