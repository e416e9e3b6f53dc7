"""How deep inside its particle a pixel lies: what networks learn beside the foreground."""

import numpy as np
from jaxtyping import Float32, Int32
from scipy import ndimage


def centre_distance(labels: Int32[np.ndarray, "y x"]) -> Float32[np.ndarray, "y x"]:
    """Return each pixel's distance to its instance's outline over the largest in that instance.

    From the pixel's centre to that of the nearest pixel which is not of its instance, so
    where two touch there is a valley between them; 0 on background. The image's rim is no
    outline, as if the image went on as its mirror image: of a particle cut in half, the
    largest distance lies at the rim. It is the target of
    :class:`graticule.models.learned.output.SemanticOutput`.
    """
    distance = np.zeros(labels.shape, np.float32)
    for label, box in enumerate(ndimage.find_objects(labels), 1):
        if box is None:
            continue
        around = _around(box)
        body = labels[around] == label
        depth = _depth(body)
        distance[around][body] = depth[body] / depth.max()
    return distance


def _around(box: tuple[slice, slice]) -> tuple[slice, slice]:
    """Return a box with a pixel more on each side where there is one; slices end where the image does."""
    rows, columns = (slice(max(side.start - 1, 0), side.stop + 1) for side in box)
    return rows, columns


def _depth(body: np.ndarray) -> np.ndarray:
    """Return the distance to the nearest pixel that is not of the body; 1 if there is none."""
    if body.all():
        return np.ones(body.shape)
    return np.asarray(ndimage.distance_transform_edt(body))
