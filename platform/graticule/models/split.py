"""Part touching particles at their necks, one connected component at a time."""

from collections.abc import Callable, Iterable

import numpy as np
from jaxtyping import Bool, Float, Int32
from scipy import ndimage
from skimage.morphology import local_maxima, reconstruction
from skimage.segmentation import watershed

from graticule.core.window import Box

EIGHT = np.ones((3, 3), bool)
NECK = 0.8
DEPTH_PX = 0.75


def components(mask: Bool[np.ndarray, "y x"]) -> Int32[np.ndarray, "y x"]:
    """Return the 8-connected components of ``mask``, numbered in raster order."""
    labels = np.empty(mask.shape, np.int32)
    ndimage.label(mask, EIGHT, output=labels)
    return labels


def split_touching(labels: Int32[np.ndarray, "y x"], *, neck: float = NECK) -> Int32[np.ndarray, "y x"]:
    """Return ``labels`` with each component cut where it narrows between two bulges.

    A bulge is a maximum of the distance to the outline. Two are particles of their own when
    the way between them is narrower than ``neck`` times the smaller, and by
    :data:`DEPTH_PX`, less than which is the unrest of the pixel grid. The cut is the
    watershed of the distance. Everything is decided from one component and its outline.

    Source: h-maxima of the distance function, P. Soille, Morphological Image Analysis, 6.4.
    """
    depth = ndimage.distance_transform_edt(labels > 0)

    def pieces(body: np.ndarray, box: Box) -> np.ndarray:
        return _pieces(body, np.where(body, depth[box], 0.0), neck)

    return cut_up(labels, lobed(labels, depth, above=1.0), pieces)


def lobed(labels: Int32[np.ndarray, "y x"], height: Float[np.ndarray, "y x"], *, above: float) -> list[int]:
    """Return the components with more than one local maximum of ``height``, in order.

    Args:
        labels: Components, no two of which touch.
        height: Such as the depth within a component.
        above: What a maximum must exceed to count.
    """
    height = np.where(labels > 0, height, -1.0)
    top = (height > above) & (height == ndimage.maximum_filter(height, footprint=EIGHT))
    plateaus, count = ndimage.label(top, EIGHT)
    owner = np.zeros(count + 1, labels.dtype)
    owner[plateaus[top]] = labels[top]
    return [int(label) for label in np.flatnonzero(np.bincount(owner[1:], minlength=1) > 1)]


def cut_up(
    labels: Int32[np.ndarray, "y x"], which: Iterable[int], pieces: Callable[[np.ndarray, Box], np.ndarray]
) -> Int32[np.ndarray, "y x"]:
    """Return ``labels`` with some components cut; new pieces are numbered after all others.

    Args:
        labels: Components.
        which: Those to be cut.
        pieces: (component's mask in its box, the box) -> the pieces there, 1 … n; the first
            keeps the component's label.
    """
    out = labels.copy()
    following = int(labels.max(initial=0)) + 1
    boxes = ndimage.find_objects(labels)
    for label in which:
        box = boxes[label - 1]
        found = pieces(labels[box] == label, box)
        further = found > 1
        out[box][further] = found[further] + (following - 2)
        following += max(int(found.max()) - 1, 0)
    return out


def _pieces(body: np.ndarray, depth: Float[np.ndarray, "y x"], neck: float) -> np.ndarray:
    """Return one component's pieces, 1 … n."""
    marker = np.where(body, np.minimum(depth * neck, depth - DEPTH_PX), -1.0)
    flooded = reconstruction(marker, np.where(body, depth, -1.0), footprint=EIGHT)  # type: ignore[no-untyped-call]
    summits = local_maxima(flooded, connectivity=2)  # type: ignore[no-untyped-call]
    seeds, count = ndimage.label(summits & body, EIGHT)
    if count < 2:
        return body.astype(np.int32)
    return np.asarray(watershed(-depth, seeds, mask=body, connectivity=EIGHT))  # type: ignore[no-untyped-call]
