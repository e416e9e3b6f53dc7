"""Turn a network's answer per pixel into instances.

Foreground falls into its 8-connected components; touching particles are parted at the
valleys of the predicted centre distance, or, if there is none, at their necks.
"""

from math import log, pi
from typing import Any

import numpy as np
from jaxtyping import Bool, Float32, Int32, UInt32
from scipy import ndimage
from skimage.morphology import local_maxima, reconstruction
from skimage.segmentation import watershed

from graticule.models.edges import only
from graticule.models.split import EIGHT, components, cut_up, lobed, split_touching

SMOOTH_PX = 0.7
SMOOTH = 0.1
"""Of the radius of the largest disc in a component: the larger particles are, the coarser are ripples."""
VALLEY = 0.7
DEPTH = 0.12
PEAK = 0.3
LEAST_AREA_PX = 16
"""Of a body that could be two particles."""


def instances(
    logit: Float32[np.ndarray, "y x"],
    distance: Float32[np.ndarray, "y x"] | None,
    *,
    cut: Bool[np.ndarray, "y x"] | None,
    probability: float = 0.5,
    split: bool = True,
    min_diameter_px: float = 0.0,
) -> UInt32[np.ndarray, "y x"]:
    """Return instance labels 1 … n.

    Args:
        logit: Of the foreground.
        distance: Of a pixel to its particle's outline over the particle's largest, 0 … 1.
        cut: Rim along which the frame goes on (:func:`graticule.models.edges.cut_edges`);
            instances there are kept whatever their size, since only part of them is seen.
        probability: Foreground above this.
        split: Whether to part touching particles.
        min_diameter_px: Of the disc with an instance's area; smaller ones are dropped.
    """
    labels = components(np.asarray(logit > log(probability / (1 - probability))))
    if split:
        labels = split_touching(labels) if distance is None else split_by_distance(labels, distance)
    least = pi / 4 * min_diameter_px**2
    return only(labels, np.bincount(labels.ravel()) >= least, cut).astype(np.uint32)


def split_by_distance(
    labels: Int32[np.ndarray, "y x"], distance: Float32[np.ndarray, "y x"]
) -> Int32[np.ndarray, "y x"]:
    """Return ``labels`` with each component cut along the valleys of a predicted centre distance.

    Every particle's distance rises to about 1 at its centre, and is about 0 where two touch.
    So a summit is a particle of its own when it is no lower than :data:`PEAK`, and the way
    to any higher one leads below :data:`VALLEY` times its height and by :data:`DEPTH`
    lower; ripples of a network's answer are less than that. The distance is smoothed a
    little before, inside of the component alone, so that everything is decided from it.

    Source: h-maxima, P. Soille, Morphological Image Analysis, 6.3.
    """
    areas = np.bincount(labels.ravel())
    large = (label for label in lobed(labels, distance, above=PEAK) if areas[label] >= LEAST_AREA_PX)
    return cut_up(labels, large, lambda body, box: _pieces(body, _smoothed(body, distance[box])))


def _smoothed(body: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """Return the distance, 0 outside of the component, under a narrow Gaussian."""
    inside = np.pad(np.where(body, distance, 0.0).astype(np.float64), 1)
    radius = ndimage.distance_transform_cdt(np.pad(body, 1)).max()
    sigma = max(SMOOTH_PX, SMOOTH * float(radius))
    return np.asarray(ndimage.gaussian_filter(inside, sigma, mode="constant")[1:-1, 1:-1])


def _pieces(body: np.ndarray, height: np.ndarray) -> np.ndarray:
    """Return one component's pieces, 1 … n."""
    seeds, count = _seeds(body, height)
    if count < 2:
        return body.astype(np.int32)
    return np.asarray(watershed(-height, seeds, mask=body, connectivity=EIGHT))  # type: ignore[no-untyped-call]


def _seeds(body: np.ndarray, height: np.ndarray) -> tuple[np.ndarray, int]:
    """Return the summits that stand for particles, numbered, and how many there are.

    Flooding from a pixel's height less what a valley must be lower levels all other summits.
    """
    marker = np.where(body, _valley(height), -1.0)
    flooded = reconstruction(marker, np.where(body, height, -1.0), footprint=EIGHT)  # type: ignore[no-untyped-call]
    summits = local_maxima(flooded, connectivity=2)  # type: ignore[no-untyped-call]
    found: tuple[np.ndarray, int] = ndimage.label(summits & body & (flooded >= _valley(PEAK)), EIGHT)
    return found


def _valley(height: Any) -> Any:
    """Return the level below which the way from a summit to a higher one must lead."""
    return np.minimum(height * VALLEY, height - DEPTH)
