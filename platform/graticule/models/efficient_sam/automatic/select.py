"""Choose among the masks of a chunk of prompts, at a quarter of the network's input.

A mask must be steady when its level moves, of a size that can be, hold the point it was
asked for, and be a particle rather than the gap between particles: dark. All masks of a prompt
that pass go on: a facet, the particle and its cluster are told apart among all prompts' masks.

Source: predicted IoU and stability score, A. Kirillov et al., Segment Anything (2023), app. B.
"""

from dataclasses import dataclass
from math import pi

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Int
from scipy import ndimage
from torch import Tensor

from graticule.models.efficient_sam.automatic.candidate import RIM, Candidate, Lattice, box_of
from graticule.models.efficient_sam.automatic.prompts import Prompts
from graticule.models.efficient_sam.network import Chunk
from graticule.models.split import EIGHT, components

OFFSET = 1.0
SLACK = 1.25
LARGEST_SHARE = 0.5
MASKS = 3
SURROUND = 2
_LOGIT_BOUND = 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Criteria:
    """What a mask must be.

    Attributes:
        predicted_iou: Least intersection over union that the network predicts for itself.
        stability: Least :func:`stability`.
        min_diameter_px: Least diameter of a disc of the mask's area, in patch pixels; half of
            that area lets a mask pass here, since the lattice is coarse.
    """

    predicted_iou: float
    stability: float
    min_diameter_px: float

    def least_area(self, lattice: Lattice) -> float:
        """Return the least area in lattice points."""
        return max(1.0, pi / 8 * (self.min_diameter_px / lattice.step) ** 2)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Scene:
    """What a view shows, on its lattice, particles dark; and which of its edges are cuts.

    ``cuts`` are top, bottom, left, right: True where the patch goes on beyond the view.
    """

    lattice: Lattice
    grey: Float32[np.ndarray, "h w"]
    cuts: tuple[bool, bool, bool, bool]


def chosen(chunk: Chunk, prompts: Prompts, scene: Scene, criteria: Criteria) -> list[Candidate]:
    """Return the masks of a chunk that may be particles, in the order of prompt and mask.

    Args:
        chunk: Masks of some prompts.
        prompts: Those that ``chunk.query`` counts.
        scene: The view that was asked.
        criteria: What is asked of a mask.
    """
    logits = chunk.logits.float()
    steady = stability(logits) >= criteria.stability
    area = (logits > 0).sum(dim=(1, 2))
    sized = (area >= criteria.least_area(scene.lattice)) & (area <= LARGEST_SHARE * logits[0].numel())
    query, mask, iou = chunk.query.tolist(), chunk.mask.tolist(), chunk.iou.tolist()
    at = prompts.on_lattice(scene.lattice)[query]
    passed = steady & sized & _holds(logits, at)
    crops = (
        cut_out(
            logits[k],
            score=iou[k],
            order=MASKS * int(prompts.order[query[k]]) + mask[k],
            at=at[k],
            scene=scene,
        )
        for k in torch.nonzero(passed).ravel().tolist()
    )
    return [
        candidate
        for candidate in crops
        if candidate.area >= criteria.least_area(scene.lattice) and _is_dark(candidate, scene.grey)
    ]


def stability(logits: Float[Tensor, "n h w"], *, offset: float = OFFSET) -> Float[Tensor, " n"]:
    """Return the intersection over union of the masks at levels ``offset`` above and below 0.

    As the masks lie in one another this is the ratio of their areas. An outline that moves by
    no more than :data:`SLACK` lattice points in all counts as unmoved: finer than that a small
    particle's outline is not drawn.
    """
    inner = (logits > offset).sum(dim=(1, 2)).float().sqrt()
    outer = (logits > -offset).sum(dim=(1, 2)).float().sqrt()
    let_off = torch.maximum(inner, outer - SLACK * pi**0.5)
    return torch.where(inner > 0, inner / let_off.clamp(min=1e-6), 0.0) ** 2


def _holds(logits: Float[Tensor, "n h w"], points: Int[np.ndarray, "n 2"]) -> Bool[Tensor, " n"]:
    y, x = torch.from_numpy(points).to(logits.device).unbind(1)
    return logits[torch.arange(len(logits), device=logits.device), y, x] > 0


def cut_out(
    logits: Float[Tensor, "h w"], *, score: float, order: int, at: Int[np.ndarray, "2"], scene: Scene
) -> Candidate:
    """Return the body of a mask, without what lies elsewhere.

    It is the one that holds the lattice point ``at``; the largest, if none does.
    """
    values = logits.clamp(-_LOGIT_BOUND, _LOGIT_BOUND).cpu().numpy()
    mask = _body(values > 0, at)
    rows, columns = box_of(mask)
    crop = _grown(rows, values.shape[0]), _grown(columns, values.shape[1])
    return Candidate(
        score=score,
        order=order,
        lattice=scene.lattice,
        corner=(crop[0].start, crop[1].start),
        mask=mask[crop],
        logits=values[crop].astype(np.float16),
        cut=_is_cut(rows, columns, values.shape, scene.cuts),
    )


def _body(mask: Bool[np.ndarray, "h w"], at: Int[np.ndarray, "2"]) -> Bool[np.ndarray, "h w"]:
    bodies = components(mask)
    held = int(bodies[at[0], at[1]])
    if not held:
        sizes = np.bincount(bodies.ravel(), minlength=2)
        held = 1 + int(np.argmax(sizes[1:]))
    return np.asarray(bodies == held)


def _is_cut(rows: slice, columns: slice, shape: tuple[int, ...], cuts: tuple[bool, bool, bool, bool]) -> bool:
    reached = rows.start == 0, rows.stop == shape[0], columns.start == 0, columns.stop == shape[1]
    return any(reach and cut for reach, cut in zip(reached, cuts, strict=True))


def _is_dark(candidate: Candidate, grey: Float32[np.ndarray, "h w"]) -> bool:
    """Return whether a mask is darker than the lighter part of what is around it.

    The lighter part: among its neighbours may be particles darker than it.
    """
    mask = candidate.mask
    y, x = candidate.corner
    seen = grey[y : y + mask.shape[0], x : x + mask.shape[1]]
    around = ndimage.binary_dilation(mask, EIGHT, iterations=SURROUND) & ~mask
    if not around.any():
        return False
    return bool(np.median(seen[mask]) < np.quantile(seen[around], 0.75))


def _grown(span: slice, limit: int) -> slice:
    return slice(max(span.start - RIM, 0), min(span.stop + RIM, limit))
