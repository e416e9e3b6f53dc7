"""What is remembered of each object: a few sights, the newest and the most different ones.

A published DeAOT remembers whole frames, and more with every frame. Here each object has its
own tokens, at most ``views`` times, and the background those of one frame, so that memory is
bounded by what is in view. After Yang et al. 2023 (DMAOT), first in VOTS 2023.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from graticule.tracking.deaot.network import Memory, joined
from graticule.tracking.deaot.propagation import Kept


@dataclass(frozen=True, slots=True, eq=False)
class _Sight:
    tokens: Memory
    look: Float[Tensor, " c"]
    """Mean key of the last layer, of length 1: what it looked like."""


class ObjectMemory:
    """The long-term memory of one view."""

    def __init__(self, *, views: int) -> None:
        self.views = views
        self._sights: dict[int, list[_Sight]] = {}
        self._background: Memory | None = None

    def add(self, memory: Memory, owner: Int[np.ndarray, " n"], objects: Int[np.ndarray, " k"]) -> None:
        """Take sights of ``objects`` from a frame's tokens, and its background.

        Args:
            memory: Of all tokens of the frame.
            owner: The object of each token; -1 is background.
            objects: Which to take; one without a token is passed over.
        """
        self._background = taken(memory, np.flatnonzero(owner < 0))
        for name in objects.tolist():
            tokens = np.flatnonzero(owner == name)
            if len(tokens):
                self._keep(name, taken(memory, tokens))

    def forget(self, objects: Iterable[int]) -> None:
        """Drop all sights of some objects."""
        for name in objects:
            self._sights.pop(name, None)

    def tokens(self) -> Memory:
        """Return all that is remembered."""
        assert self._background is not None
        return joined([self._background, *(sight.tokens for s in self._sights.values() for sight in s)])

    def __len__(self) -> int:
        """Return how many tokens are remembered."""
        return int(self.tokens()[0].key.shape[1])

    def _keep(self, name: int, tokens: Memory) -> None:
        look = torch.nn.functional.normalize(tokens[-1].key[0].mean(0), dim=0)
        sights = [*self._sights.get(name, []), _Sight(tokens, look)]
        if len(sights) > self.views:
            sights.pop(_least_telling(sights))
        self._sights[name] = sights


def _least_telling(sights: list[_Sight]) -> int:
    """Return which sight is most like another one; the newest is always kept."""
    looks = torch.stack([sight.look for sight in sights])
    alike = looks @ looks.T
    alike.fill_diagonal_(-torch.inf)
    return int(alike[:-1].max(1).values.argmax()) if len(sights) > 1 else 0


def taken(memory: Memory, tokens: Int[np.ndarray, " k"]) -> Memory:
    """Return some tokens of a memory."""
    rows = torch.from_numpy(tokens)
    return tuple(Kept(*(part[:, rows.to(part.device)] for part in layer)) for layer in memory)
