"""Footage made of one labelled image: its objects are cut out and move over what is left.

Source of the idea: A. Khoreva et al. 2017, Lucid data dreaming, arXiv 1703.09554.
"""

from math import pi

import numpy as np
from jaxtyping import Float32
from skimage.measure import label

from graticule.training.augment.geometry import Placement, warped, warped_labels
from graticule.training.examples import Example
from graticule.training.recipe import Clips
from graticule.training.sequences.cutouts import Cutout, cut_out, without
from graticule.training.sequences.footage import Footage, log_uniform, typical_diameter

ZOOM = (0.15, 4.0)
"""Range of the magnification of an image."""
SPARE_PX = 28
"""By which footage is wider than a clip, all round."""
STEP_DIAMETERS = (0.02, 0.35)
"""Range of an object's own random step, in typical diameters per frame."""
HIDDEN = 0.1
"""Share of an object that others may cover before its step is not made."""
REBOUND = -0.5
"""Of its pace, where it is not."""
_STREAM = 8


def set_in_motion(example: Example, clips: Clips, *, size: int, seed: int) -> Footage:
    """Return footage of ``clips.frames`` frames, in which objects are as large as clips should show them.

    Args:
        example: Labelled image.
        clips: What clips are to be like.
        size: Edge of a clip, in pixels.
        seed: Of all that is drawn, from 0.
    """
    rng = np.random.default_rng([seed, _STREAM])
    edge = size + 2 * SPARE_PX
    diameter = log_uniform(rng, clips.diameter)
    placement = _placement(example, edge, diameter, rng)
    grey = warped(example.image, placement, edge)
    # beyond the image lies its mirror image, whose objects are others
    pieces = label(warped_labels(example.labels, placement, edge), connectivity=2)  # type: ignore[no-untyped-call]
    ids = np.asarray(pieces, np.int32)
    cutouts, ground = cut_out(grey, ids), without(grey, ids, diameter=diameter, rng=rng)
    step = diameter * log_uniform(rng, STEP_DIAMETERS)
    return _filmed(ground, cutouts, frames=clips.frames, step=step, rng=rng)


def _placement(example: Example, edge: int, diameter: float, rng: np.random.Generator) -> Placement:
    """Return where the footage lies: around some object, if there is any."""
    typical, shape = typical_diameter(example.labels), example.labels.shape
    zoom = float(np.clip(diameter / typical if typical else 1.0, *ZOOM))
    reach = edge / 2 / zoom
    pixels = np.flatnonzero(example.labels)
    if len(pixels):
        at = np.array(np.unravel_index(pixels[rng.integers(len(pixels))], shape), float)
    else:
        at = rng.uniform(0, shape)
    y, x = (
        float(np.clip(p, min(reach, length - reach), max(reach, length - reach)))
        for p, length in zip(at + rng.uniform(-reach / 2, reach / 2, size=2), shape, strict=True)
    )
    return Placement(
        centre=(y, x), scale=zoom, angle=float(rng.uniform(0, 2 * pi)), flip=bool(rng.random() < 0.5)
    )


def _filmed(
    ground: Float32[np.ndarray, "e e"],
    cutouts: list[Cutout],
    *,
    frames: int,
    step: float,
    rng: np.random.Generator,
) -> Footage:
    """Return footage of objects that each keep a pace and stray from it."""
    places = np.zeros((len(cutouts), 2))
    pace = rng.normal(0, step / 2, places.shape)
    shown, ids = [], []
    for frame in range(frames):
        before = np.rint(places)
        if frame:
            places = places + pace + rng.normal(0, step / 2, places.shape)
        picture, truth = ground.copy(), np.zeros(ground.shape, np.int32)
        for one in rng.permutation(len(cutouts)).tolist():
            cutout = cutouts[one]
            if frame and cutout.is_whole and cutout.covers(truth, _pixels(places[one])) > HIDDEN:
                places[one], pace[one] = before[one], REBOUND * pace[one]
            cutout.paste(picture, truth, _pixels(places[one]) if cutout.is_whole else (0, 0))
        shown.append(picture.clip(0, 1))
        ids.append(truth)
    return Footage(frames=np.stack(shown), ids=np.stack(ids))


def _pixels(place: np.ndarray) -> tuple[int, int]:
    y, x = np.rint(place).astype(int).tolist()
    return y, x
