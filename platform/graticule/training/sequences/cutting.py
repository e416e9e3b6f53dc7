"""Cut a clip out of footage: a square that may move, its picture taken anew in each frame."""

from dataclasses import replace
from math import pi

import numpy as np
from jaxtyping import Float32, Int32

from graticule.training.augment.geometry import Placement, warped, warped_labels
from graticule.training.augment.look import draw_look
from graticule.training.augment.overview import overview
from graticule.training.augment.visibility import noise_left
from graticule.training.recipe import Augmentation, Clips, TrackerRecipe
from graticule.training.sequences.clip import Clip
from graticule.training.sequences.footage import Footage
from graticule.training.sequences.known import known

JITTER = (0.85, 1.18)
"""Range of a factor of the magnification."""
MOVING = 0.6
"""Share of clips whose square moves over the footage."""
FASTEST = 0.5
"""About the largest step of it per frame, in the largest diameters of objects."""
PACE, STRAY = 0.3, 0.1
"""Standard deviations of its steady and of its random step, relative to that."""
_STREAM = 9


def clip_of(footage: Footage, recipe: TrackerRecipe, *, slots: int, seed: int) -> Clip:
    """Return a clip: the same for the same arguments.

    All its frames are taken by one microscope and camera; the noise of each is its own.

    Args:
        footage: Frames and identities, larger than the clip but for a magnification that fits.
        recipe: How many frames, how far apart, how large, and what happens to them.
        slots: Of the network.
        seed: Of all that is drawn, from 0.
    """
    rng = np.random.default_rng([seed, _STREAM])
    chosen = _frames(len(footage.frames), recipe.clips, rng)
    placements = _placements(footage, len(chosen), recipe, rng)
    pairs = list(zip(chosen, placements, strict=True))
    ids = np.stack([warped_labels(footage.ids[t], place, recipe.size) for t, place in pairs])
    frames = [warped(footage.frames[t], place, recipe.size) for t, place in pairs]
    whole = overview(footage.frames[chosen[0]], placements[0])
    frames = _taken(frames, ids[0], whole, recipe.augmentation, rng)
    told = known(ids, slots=slots, rng=rng)
    return Clip(frames=np.stack(frames), given=told.given, target=told.target)


def _frames(there: int, clips: Clips, rng: np.random.Generator) -> list[int]:
    """Return which frames of the footage are shown."""
    most = min(clips.stride, (there - 1) // (clips.frames - 1))
    stride = int(rng.integers(1, most + 1))
    first = int(rng.integers(there - stride * (clips.frames - 1)))
    return [first + stride * k for k in range(clips.frames)]


def _placements(
    footage: Footage, count: int, recipe: TrackerRecipe, rng: np.random.Generator
) -> list[Placement]:
    """Return where the clip lies in each frame, within the footage."""
    shape = np.array(footage.ids.shape[1:])
    scale = footage.zoom * float(rng.uniform(*JITTER))
    scale = max(scale, recipe.size / int(shape.min()))
    turned = Placement(
        centre=(0.0, 0.0), scale=scale, angle=int(rng.integers(4)) * pi / 2, flip=bool(rng.random() < 0.5)
    )
    reach = recipe.size / 2 / scale
    low, high = np.full(2, reach), shape - reach
    fastest = FASTEST * recipe.clips.diameter[1] / scale if rng.random() < MOVING else 0.0
    pace = rng.normal(0, PACE, 2) * fastest * rng.random()
    at = rng.uniform(low, high)
    placements = []
    for _ in range(count):
        placements.append(replace(turned, centre=(float(at[0]), float(at[1]))))
        at = np.clip(at + pace + rng.normal(0, STRAY, 2) * fastest * rng.random(), low, high)
    return placements


def _taken(
    frames: list[Float32[np.ndarray, "e e"]],
    ids: Int32[np.ndarray, "e e"],
    whole: Float32[np.ndarray, "f f"],
    augmentation: Augmentation,
    rng: np.random.Generator,
) -> list[Float32[np.ndarray, "e e"]]:
    """Return the frames as one microscope shows them; ``ids`` is what the first of them shows."""
    labels = np.unique(ids, return_inverse=True)[1].reshape(ids.shape).astype(np.int32)
    look = draw_look(augmentation, noise_left(frames[0], labels), rng)
    return [replace(look, seed=int(rng.integers(2**62))).taken(frame, whole) for frame in frames]
