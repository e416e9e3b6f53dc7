"""Footage of drawn discs that move, and clips of it."""

import numpy as np

from graticule.training.sequences.clip import Clip, ClipBatch
from graticule.training.sequences.footage import Footage
from graticule.training.sequences.known import known


def discs(
    places: list[tuple[float, float]],
    *,
    steps: list[tuple[float, float]] | None = None,
    frames: int = 3,
    size: int = 65,
    radius: float = 6.0,
) -> Footage:
    """Return dark discs, numbered from 1 in the order of their places, each moving by its step."""
    y, x = np.mgrid[:size, :size]
    ids = np.zeros((frames, size, size), np.int32)
    for number, (place, step) in enumerate(
        zip(places, steps or [(0.0, 0.0)] * len(places), strict=True), start=1
    ):
        for t in range(frames):
            centre = place[0] + t * step[0], place[1] + t * step[1]
            ids[t][(y - centre[0]) ** 2 + (x - centre[1]) ** 2 < radius**2] = number
    return Footage(frames=np.where(ids > 0, 0.25, 0.75).astype(np.float32), ids=ids)


def drawn_clip(size: int, seed: int, *, frames: int = 3, particles: int = 5) -> Clip:
    """Return a clip of discs at random places, with random steps and some noise."""
    rng = np.random.default_rng(seed)
    places = [tuple(place) for place in rng.uniform(8, size - 8, (particles, 2))]
    steps = [tuple(step) for step in rng.normal(0, 2, (particles, 2))]
    footage = discs(places, steps=steps, frames=frames, size=size)
    noisy = footage.frames + rng.normal(0, 0.03, footage.frames.shape)
    told = known(footage.ids, slots=10, rng=rng)
    return Clip(frames=noisy.clip(0, 1).astype(np.float32), given=told.given, target=told.target)


def clip_batch_of(size: int, seed: int, count: int = 2, **kind: int) -> ClipBatch:
    """Return a batch of clips of drawn discs."""
    return ClipBatch.of([drawn_clip(size, 1000 * seed + k, **kind) for k in range(count)])
