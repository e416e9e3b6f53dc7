"""Which examples each step sees: a pure function of the seed, so a resumed run sees the same."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from graticule.core.errors import ConfigError
from graticule.training.examples import ENDLESS

_PICK, _ORDER, _SHUFFLE = range(3)
CROPS = 8
"""Crops of an example that is made, in a row: making one costs more than several crops of it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pick:
    """One crop to be made: which example of which source, and the seed of its crop."""

    source: int
    index: int
    seed: int


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Draws examples from several sources in fixed shares, each source shuffled anew in every pass.

    Args:
        items: Of each source, the examples to train on; for an endless one a range.
        shares: How often each source is drawn from; they need not sum to 1.
        batch: Examples of a step.
        steps: Steps of an epoch.
        seed: Of everything drawn.
    """

    items: tuple[Sequence[int], ...]
    shares: tuple[float, ...]
    batch: int
    steps: int
    seed: int

    def __post_init__(self) -> None:
        if len(self.shares) != len(self.items) or min(self.shares) < 0 or not sum(self.shares) > 0:
            raise ConfigError(
                f"need one share from 0 for each of {len(self.items)} sources, got {list(self.shares)}"
            )
        if not sum(self._weights()) > 0:
            raise ConfigError(
                f"the shares {list(self.shares)} draw only from sources without images to train on"
            )

    def epoch(self, epoch: int) -> list[list[Pick]]:
        """Return the picks of an epoch's steps."""
        drawn = np.array([(s, i) for s, n in enumerate(self._counts()) for i in self._stream(s, epoch, n)])
        rng = np.random.default_rng([self.seed, _SHUFFLE, epoch])
        seeds = np.random.default_rng([self.seed, _PICK, epoch]).integers(2**62, size=len(drawn))
        picks = [
            Pick(source=int(s), index=int(i), seed=int(seed))
            for (s, i), seed in zip(rng.permutation(drawn), seeds, strict=True)
        ]
        return [picks[start : start + self.batch] for start in range(0, len(picks), self.batch)]

    def _weights(self) -> list[float]:
        """Return the shares of sources that have anything to train on, 0 for others."""
        return [share if len(items) else 0.0 for share, items in zip(self.shares, self.items, strict=True)]

    def _counts(self) -> list[int]:
        """Return how many examples of each source an epoch has: its share, by largest remainder."""
        weights = self._weights()
        exact = np.array(weights) / sum(weights) * self.batch * self.steps
        counts = np.floor(exact).astype(int)
        most_left = np.argsort(counts - exact, kind="stable")
        counts[most_left[: self.batch * self.steps - counts.sum()]] += 1
        return [int(count) for count in counts]

    def _stream(self, source: int, epoch: int, count: int) -> list[int]:
        """Return ``count`` examples of a source, going on where the epoch before ended."""
        items = self.items[source]
        first = epoch * count
        if len(items) >= ENDLESS // 4:
            return [items[(first + k) // CROPS % len(items)] for k in range(count)]
        return [
            items[_order(self.seed, source, (first + k) // len(items), len(items))[(first + k) % len(items)]]
            for k in range(count)
        ]


@lru_cache(maxsize=64)
def _order(seed: int, source: int, turn: int, length: int) -> tuple[int, ...]:
    rng = np.random.default_rng([seed, _ORDER, source, turn])
    return tuple(int(k) for k in rng.permutation(length))
