"""Which slots a tracker has for what it sees: the truth, and what a segmenter would tell it."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int, Int32, UInt8
from scipy import ndimage

from graticule.tracking.deaot.slots import coloured

IGNORED = 255
"""In targets, pixels of objects that the tracker cannot know."""
LEAST_AREA_PX = 12
"""Of an object when it gets its slot."""
REACH_DIAMETERS = (0.3, 1.5)
"""Range of the gap below which objects are neighbours, in mean diameters."""
MOST_LEFT_OUT = 0.15
"""Share of objects without a slot above which the gap is halved."""
MISSED = 0.04
"""Share of objects that the segmenter misses in a frame."""
REDRAWN = 0.25
"""Share of objects that it draws a pixel too large, and as many too small."""
_TRIES = 4

Slots = Int[np.ndarray, " n"]
"""By object, background first: the slot, 0 for none."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Known:
    """Slot maps; 0 is background and what has no slot.

    Attributes:
        given: What a tracker remembers after each frame, by an imperfect segmenter.
        target: What it should tell of each frame; :data:`IGNORED` where it cannot know. Of the
            first, of which nothing is asked, what was given.
    """

    given: UInt8[np.ndarray, "t e e"]
    target: UInt8[np.ndarray, "t e e"]


def known(ids: Int32[np.ndarray, "t e e"], *, slots: int, rng: np.random.Generator) -> Known:
    """Return slot maps of a clip's objects: neighbours differ, far-apart ones may share a slot.

    An object gets its slot in the first frame that shows enough of it, and is to be found from
    the next frame on.

    Args:
        ids: Objects, the same number in all frames that show the same one.
        slots: Of the tracker.
        rng: Of the slots, of what is missed, and of what is drawn otherwise.
    """
    frames = _dense(ids)
    count = int(frames.max()) + 1
    slot_of = np.zeros(count, np.int64)
    given: list[UInt8[np.ndarray, "e e"]] = []
    target: list[UInt8[np.ndarray, "e e"]] = []
    for frame in frames:
        learnt = np.where(slot_of > 0, slot_of, IGNORED)
        learnt[0] = 0
        target.append(learnt[frame].astype(np.uint8))
        slot_of = _with_new(frame, slot_of, slots, rng)
        told = slot_of if not given else np.where(rng.random(count) < MISSED, 0, slot_of)
        given.append(told[_redrawn(frame, count, rng)].astype(np.uint8))
    target[0] = given[0]
    return Known(given=np.stack(given), target=np.stack(target))


def _dense(ids: Int32[np.ndarray, "t e e"]) -> Int32[np.ndarray, "t e e"]:
    """Return the objects as 1 … n without gaps."""
    numbers, dense = np.unique(ids, return_inverse=True)
    return (dense.reshape(ids.shape) + int(numbers[0] != 0)).astype(np.int32)


def _with_new(frame: Int32[np.ndarray, "e e"], slot_of: Slots, slots: int, rng: np.random.Generator) -> Slots:
    """Return the slots once those that are new in a frame have theirs, if any is left."""
    areas = np.bincount(frame.ravel(), minlength=len(slot_of))
    here = np.flatnonzero(areas[1:] >= LEAST_AREA_PX) + 1
    if slot_of[here].all():
        return slot_of
    places = np.array(ndimage.center_of_mass(frame > 0, frame, here))
    radii = np.sqrt(areas[here] / np.pi)
    reach = 2 * float(radii.mean()) * rng.uniform(*REACH_DIAMETERS)
    for halved in range(_TRIES):
        found = coloured(places, radii, slots=slots, reach=reach / 2**halved, taken=slot_of[here], rng=rng)
        if np.mean(found == 0) <= MOST_LEFT_OUT:
            break
    after = slot_of.copy()
    after[here] = found
    return after


def _redrawn(
    frame: Int32[np.ndarray, "e e"], count: int, rng: np.random.Generator
) -> Int32[np.ndarray, "e e"]:
    """Return the objects as a segmenter draws them: some a pixel too large or too small."""
    drawn = rng.random(count)
    larger, smaller = drawn < REDRAWN, drawn > 1 - REDRAWN
    most = ndimage.maximum_filter(frame, 3)
    inside = (ndimage.minimum_filter(frame, 3) == frame) & (most == frame)
    seen = np.where((frame > 0) & smaller[frame] & ~inside, 0, frame)
    return np.where((frame == 0) & larger[most], most, seen).astype(np.int32)
