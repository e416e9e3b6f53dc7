"""Of many masks of the same particle keep one; of nested masks the right ones.

1. *Twins*: of two masks that agree by :data:`SAME` (intersection over union) the better stays.
2. *Groups*: a mask nearly filled by two or more others is several particles touching. It goes,
   or its parts do where the user does not want touching particles parted.
3. *Blots*: a mask of which the network is much less sure than of a good share of it goes.
4. *Pieces*: a mask that lies in a larger one (a facet, a fringe) goes.

Halves of a particle cut by two views are no rivals (:mod:`.join`).

Source of 1: greedy non-maximum suppression, as in A. Kirillov et al., Segment Anything (2023).
"""

from collections.abc import Iterable

import numpy as np

from graticule.models.efficient_sam.automatic.candidate import Candidate, are_halves, ranked, shared

SAME = 0.5
INSIDE = 0.8
FILLED = 0.75
PART = 0.15
LESS_SURE = 0.1


def suppressed(candidates: Iterable[Candidate], *, split: bool = True) -> list[Candidate]:
    """Return the candidates to keep, best first; the order they come in does not matter.

    Args:
        candidates: Masks of one frame, from any of its views.
        split: Whether touching particles are to be parted.
    """
    return without_pieces(without_twins(ranked(list(candidates))), split=split)


def without_twins(best_first: list[Candidate]) -> list[Candidate]:
    """Return the candidates without those that agree with a better one."""
    kept = _Kept()
    for candidate in best_first:
        rivals = (other for other in kept.near(candidate) if not are_halves(candidate, other))
        if not any(_agreement(candidate, other) > SAME for other in rivals):
            kept.add(candidate)
    return kept.candidates


def without_pieces(best_first: list[Candidate], *, split: bool) -> list[Candidate]:
    """Return the candidates without groups, blots, and what lies inside of another."""
    kept, dropped = _Kept(best_first), set[int]()
    for candidate in sorted(best_first, key=lambda c: -c.area):
        if id(candidate) in dropped:
            continue
        inside = [other for other in kept.near(candidate) if id(other) not in dropped]
        inside = [other for other in inside if _lies_in(other, candidate)]
        shares = [other for other in inside if other.area > PART * candidate.area]
        if _is_blot(candidate, shares) or (split and _is_group(candidate, shares)):
            dropped.add(id(candidate))
        else:
            dropped.update(id(other) for other in inside)
    return [candidate for candidate in best_first if id(candidate) not in dropped]


def _lies_in(small: Candidate, large: Candidate) -> bool:
    if small.area >= large.area or are_halves(small, large):
        return False
    return shared(large, small) > INSIDE * small.area


def _is_blot(whole: Candidate, shares: list[Candidate]) -> bool:
    return any(share.score > whole.score + LESS_SURE for share in shares)


def _is_group(whole: Candidate, shares: list[Candidate]) -> bool:
    """Return whether two or more masks, of which the network is hardly less sure, fill the whole."""
    parts: list[Candidate] = []
    for share in shares:
        apart = all(shared(share, part) < (1 - INSIDE) * min(share.area, part.area) for part in parts)
        if apart and share.score >= whole.score - LESS_SURE:
            parts.append(share)
    filled = sum(shared(whole, part) for part in parts)
    return len(parts) > 1 and filled > FILLED * whole.area


def _agreement(one: Candidate, other: Candidate) -> float:
    both = shared(one, other)
    return both / max(one.area + other.area - both, 1)


class _Kept:
    """Candidates that can be asked for by place."""

    def __init__(self, candidates: Iterable[Candidate] = ()) -> None:
        self.candidates: list[Candidate] = []
        self._boxes = np.empty((64, 4), np.int64)
        for candidate in candidates:
            self.add(candidate)

    def add(self, candidate: Candidate) -> None:
        count = len(self.candidates)
        if count == len(self._boxes):
            self._boxes = np.concatenate([self._boxes, np.empty_like(self._boxes)])
        self._boxes[count] = candidate.box
        self.candidates.append(candidate)

    def near(self, candidate: Candidate) -> Iterable[Candidate]:
        """Yield those whose box meets the candidate's, itself excepted, in the order they came."""
        y0, y1, x0, x1 = candidate.box
        boxes = self._boxes[: len(self.candidates)]
        meets = (boxes[:, 0] < y1) & (y0 < boxes[:, 1]) & (boxes[:, 2] < x1) & (x0 < boxes[:, 3])
        found = (self.candidates[k] for k in np.flatnonzero(meets))
        return (other for other in found if other is not candidate)
