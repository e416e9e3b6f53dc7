"""What is asked where: the views of a patch, each with its prompts."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float32, Integer

from graticule.models.efficient_sam.automatic.ask import STRIDE
from graticule.models.efficient_sam.automatic.candidate import Lattice
from graticule.models.efficient_sam.automatic.prompts import Prompts, grid, nearest_view, proposals
from graticule.models.efficient_sam.automatic.select import Scene
from graticule.models.learned.views import Cover, cut
from graticule.models.learned.zoom import zoomed


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Task:
    """A view to be embedded, and the prompts that go to it, kind by kind.

    ``pixels`` are the view's, in 0..1 and with dark particles.
    """

    scene: Scene
    pixels: Float32[np.ndarray, "e e"]
    prompts: list[Prompts]


def lattices(views: Cover, *, native: int) -> list[Lattice]:
    """Return where the network's output points lie for each view, scaled to ``native`` pixels."""
    size = native // STRIDE
    return [Lattice(top=y, left=x, step=views.edge / size, size=size) for y, x in views.corners]


def grid_prompts(where: list[Lattice], shape: tuple[int, int], *, per_side: int) -> list[list[Prompts]]:
    """Return for each view a grid of points."""
    return [
        [grid(shape, lattice, per_side=per_side, first=k * per_side**2)] for k, lattice in enumerate(where)
    ]


def proposal_prompts(
    where: list[Lattice],
    image: Float32[np.ndarray, "y x"],
    pieces: Integer[np.ndarray, "y x"],
    *,
    scale_px: float,
) -> list[list[Prompts]]:
    """Return for each view the proposals that lie most in its middle, so that each is asked for once."""
    out: list[list[Prompts]] = [[] for _ in where]
    for prompts in proposals(pieces, image, scale_px=scale_px):
        nearest = nearest_view(prompts.points[:, 0], where)
        for k in np.unique(nearest).tolist():
            out[k].append(prompts.of(np.flatnonzero(nearest == k)))
    return out


def tasks(
    image: Float32[np.ndarray, "y x"], views: Cover, where: list[Lattice], prompts: list[list[Prompts]]
) -> Iterator[Task]:
    """Yield the views for which there are prompts, in order."""
    for pixels, lattice, asked in zip(cut(image, views), where, prompts, strict=True):
        if any(len(kind) for kind in asked):
            yield Task(scene=scene_of(pixels, lattice, views), pixels=pixels, prompts=asked)


def scene_of(pixels: Float32[np.ndarray, "e e"], lattice: Lattice, views: Cover) -> Scene:
    """Return what a view shows, on its lattice."""
    grey = zoomed(torch.tensor(pixels)[None, None], lattice.size)[0, 0].numpy()
    (height, width), edge = views.shape, views.edge
    cuts = lattice.top > 0, lattice.top + edge < height, lattice.left > 0, lattice.left + edge < width
    return Scene(lattice=lattice, grey=grey, cuts=cuts)
