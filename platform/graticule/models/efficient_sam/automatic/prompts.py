"""What to ask the network: points and boxes, from a grid or from a cheap detector.

A cheap detector (the threshold segmenter) says where something is; each of its pieces is
asked for with its box and its deepest point. It parts touching particles badly, so a piece
that holds several blobs of the movie's own scale is asked for with a point on each as well.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int, Int64, Integer
from scipy import ndimage

from graticule.models.efficient_sam.automatic.candidate import Lattice

POINT, BOX_START, BOX_END = 1, 2, 3
_COARSEN_ABOVE = 4.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Prompts:
    """Prompts of one kind, in patch pixels (y, x), pixel centres at integers.

    Attributes:
        points: The first is one that the mask must hold; boxes follow as two corners.
        labels: What each point is, alike for all prompts: 1 point, 2 box start, 3 box end.
        order: The prompt's number within the patch.
    """

    points: Float32[np.ndarray, "q p 2"]
    labels: tuple[int, ...]
    order: Int64[np.ndarray, " q"]

    def __len__(self) -> int:
        return len(self.points)

    def of(self, which: Integer[np.ndarray, " n"]) -> "Prompts":
        """Return some of the prompts."""
        return Prompts(points=self.points[which], labels=self.labels, order=self.order[which])

    def on_lattice(self, lattice: Lattice) -> Int64[np.ndarray, "q 2"]:
        """Return the lattice point nearest to each prompt's first point."""
        away = self.points[:, 0] - np.array([lattice.top, lattice.left], np.float32) + 0.5
        return np.clip(np.floor(away / lattice.step), 0, lattice.size - 1).astype(np.int64)

    def in_view(self, lattice: Lattice, edge: int) -> Float32[np.ndarray, "q p 2"]:
        """Return the points as x, y in pixels of the network's input of ``edge`` pixels, moved into it."""
        zoom = edge / (lattice.step * lattice.size)
        away = self.points - np.array([lattice.top, lattice.left], np.float32) + 0.5
        inside = np.clip(away * zoom, 0, edge) - 0.5
        return np.ascontiguousarray(inside[..., ::-1], dtype=np.float32)


def grid(shape: tuple[int, int], lattice: Lattice, *, per_side: int, first: int = 0) -> Prompts:
    """Return points spread evenly over a view, those of them that lie in the patch.

    Args:
        shape: Of the patch, in pixels.
        lattice: Of the view.
        per_side: Points along an edge of the view.
        first: Number of the first prompt.
    """
    edge = lattice.step * lattice.size
    steps = (np.arange(per_side) + 0.5) * (edge / per_side) - 0.5
    y, x = np.meshgrid(lattice.top + steps, lattice.left + steps, indexing="ij")
    points = np.stack([y.ravel(), x.ravel()], axis=1)
    inside = points[(points <= np.array(shape) - 0.5).all(axis=1)]
    return _points(inside, first)


def proposals(
    pieces: Integer[np.ndarray, "y x"], grey: Float32[np.ndarray, "y x"], *, scale_px: float
) -> list[Prompts]:
    """Return what to ask for where a cheap detector has found ``pieces``.

    Args:
        pieces: Instance labels of the patch.
        grey: The patch, particles dark.
        scale_px: Blob scale of the particles (radius / sqrt 2).
    """
    boxes, deepest = _boxes(pieces)
    owner, centres = blobs(grey, pieces, scale_px=scale_px)
    several = np.bincount(owner, minlength=int(pieces.max(initial=0)) + 1) > 1
    found = [Prompts(
        points=np.concatenate([deepest[:, None], boxes], axis=1),
        labels=(POINT, BOX_START, BOX_END),
        order=np.arange(len(boxes)),
    ), _points(centres[several[owner]], len(boxes))]  # fmt: skip
    return [prompts for prompts in found if len(prompts)]


def blobs(
    grey: Float32[np.ndarray, "y x"], pieces: Integer[np.ndarray, "y x"], *, scale_px: float
) -> tuple[Int[np.ndarray, " n"], Float32[np.ndarray, "n 2"]]:
    """Return the centres of dark blobs within pieces, and the piece of each.

    They are the maxima of the Laplacian of a Gaussian of ``scale_px``, in raster order.
    """
    binning = 1
    while scale_px / binning > _COARSEN_ABOVE and min(grey.shape) // (2 * binning) >= 32:
        binning *= 2
    sigma = scale_px / binning
    answer = ndimage.gaussian_laplace(_binned(grey, binning), sigma, mode="nearest")
    top = (answer == ndimage.maximum_filter(answer, 2 * round(sigma) + 1)) & (answer > 0)
    centres = np.argwhere(top) * binning + (binning - 1) / 2
    owner = pieces[tuple(centres.astype(np.int64).T)].astype(np.int64)
    return owner[owner > 0], centres[owner > 0].astype(np.float32)


def nearest_view(points: Float32[np.ndarray, "q 2"], lattices: list[Lattice]) -> Int64[np.ndarray, " q"]:
    """Return for each point the view in whose middle it lies most; the first of equals."""
    half = np.array([lattice.step * lattice.size / 2 for lattice in lattices])
    corner = np.array([(lattice.top, lattice.left) for lattice in lattices])
    off = np.abs(points[:, None] + 0.5 - corner - half[:, None]).max(axis=2)
    return np.asarray(np.argmin(off, axis=1), np.int64)


def _points(points: np.ndarray, first: int) -> Prompts:
    order = np.arange(first, first + len(points))
    return Prompts(points=points[:, None].astype(np.float32), labels=(POINT,), order=order)


def _binned(grey: np.ndarray, binning: int) -> np.ndarray:
    """Return means over squares; rows and columns that do not fill a square are left out."""
    height, width = (extent // binning * binning for extent in grey.shape)
    squares = grey[:height, :width].reshape(height // binning, binning, width // binning, binning)
    return np.asarray(squares.mean(axis=(1, 3)), np.float32)


def _boxes(pieces: np.ndarray) -> tuple[Float32[np.ndarray, "n 2 2"], Float32[np.ndarray, "n 2"]]:
    """Return the outer corners of each piece's box, and its deepest point, the first of equals."""
    found = [(label, box) for label, box in enumerate(ndimage.find_objects(pieces), start=1) if box]
    corners, points = np.empty((len(found), 2, 2), np.float32), np.empty((len(found), 2), np.float32)
    for k, (label, box) in enumerate(found):
        body = np.pad(pieces[box] == label, 1)
        depth = ndimage.distance_transform_edt(body)
        corner = np.array([side.start for side in box])
        deepest = np.unravel_index(int(np.argmax(depth)), depth.shape)
        points[k] = corner + np.array(deepest) - 1
        corners[k] = corner - 0.5, [side.stop - 0.5 for side in box]
    return corners, points
