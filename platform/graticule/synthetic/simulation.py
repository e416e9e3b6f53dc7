"""Simulated sintering movies, frame by frame, with the exact truth."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
from jaxtyping import Float32, Int, UInt16, UInt32

from graticule.core.errors import ConfigError
from graticule.core.lineage import Lineage
from graticule.core.window import whole
from graticule.synthetic.bodies import field_around
from graticule.synthetic.camera import Camera, diffraction_contrast
from graticule.synthetic.census import Census
from graticule.synthetic.presets import Preset, find_preset
from graticule.synthetic.raster import Cover, cover
from graticule.synthetic.shapes import shapes_of
from graticule.synthetic.world import World

SMALLEST_VIEW_PX = 32


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class TruthFrame:
    """One frame and what is in it.

    Attributes:
        image: Counted electrons.
        labels: Instances, 1 … n without gaps; 0 is background.
        tracks: Track id of each instance: ``tracks[label - 1]``.
        expected: Mean electrons, of which ``image`` is one Poisson draw.
    """

    image: UInt16[np.ndarray, "y x"]
    labels: UInt32[np.ndarray, "y x"]
    tracks: Int[np.ndarray, " n"]
    expected: Float32[np.ndarray, "y x"]


class Simulation:
    """A movie that is made as it is iterated over; holds a few frames at most.

    Every iteration starts anew and gives the same frames. The first frames do not
    depend on how many follow. It pickles small: what it is made from, not pixels.
    """

    def __init__(self, preset: Preset, *, frames: int, size: tuple[int, int], seed: int) -> None:
        self.preset, self.frames, self.size, self.seed = preset, frames, size, seed
        self._lineage: Lineage | None = None

    def __len__(self) -> int:
        return self.frames

    def __iter__(self) -> Iterator[TruthFrame]:
        return self.since(0)

    def since(self, first: int) -> Iterator[TruthFrame]:
        """Yield the frames from ``first`` on; of those before, no image is made."""
        camera = Camera(self.preset, field_around(self.size, self.preset), self.seed)
        truth = islice(enumerate(self._truth(camera.canvas)), first, None)
        for frame, (world, covered, labels, tracks) in truth:
            strength = diffraction_contrast(world.bodies.tilt)[covered.owner]
            contrast = covered.share * strength[:, 0] + (1 - covered.share) * strength[:, 1]
            expected = camera.expected(covered, contrast, world.drift_px)
            yield TruthFrame(
                image=camera.counts(expected, frame), labels=labels, tracks=tracks, expected=expected
            )

    def lineage(self) -> Lineage:
        """Return all identities and events of the whole movie.

        Known once the last frame was given; before that, the movie is run through
        without its images.
        """
        if self._lineage is None:
            for _ in self._truth(whole(self.size)):
                pass
        assert self._lineage is not None, "the last frame leaves the lineage behind"
        return self._lineage

    def _truth(
        self, canvas: tuple[slice, slice]
    ) -> Iterator[tuple[World, Cover, UInt32[np.ndarray, "y x"], Int[np.ndarray, " n"]]]:
        world, census = World(self.preset, self.size, self.seed), Census(self.size)
        for frame in range(self.frames):
            joined = world.advance() if frame else []
            shapes = shapes_of(world.bodies, np.flatnonzero(world.bodies.alive))
            covered = cover(shapes, canvas)
            covered = replace(covered, owner=shapes.slot[covered.owner])
            labels, tracks = census.take(world.bodies, covered, joined, world.drift_px)
            if frame == self.frames - 1:
                self._lineage = census.lineage()
            yield world, covered, labels, tracks


def simulate(preset: str | Preset, *, frames: int, size: int | tuple[int, int], seed: int) -> Simulation:
    """Return a seeded in-situ sintering movie with its truth.

    The same arguments give the same movie, byte for byte, on the same machine and
    libraries.

    Args:
        preset: Name in :data:`~graticule.synthetic.presets.PRESETS`, or one of your own.
        frames: How many.
        size: Edge of the square view, or (height, width), in pixels.
        seed: Any integer from 0.

    Raises:
        UnknownNameError: If there is no such preset.
        ConfigError: If frames, size or seed cannot be.
    """
    view = (size, size) if isinstance(size, int) else size
    if frames < 1:
        raise ConfigError(f"a movie needs at least 1 frame, got {frames}")
    if min(view) < SMALLEST_VIEW_PX:
        raise ConfigError(f"the view is at least {SMALLEST_VIEW_PX} pixels wide and high, got {view}")
    if seed < 0:
        raise ConfigError(f"the seed is a number from 0, got {seed}")
    chosen = find_preset(preset) if isinstance(preset, str) else preset
    return Simulation(chosen, frames=frames, size=view, seed=seed)
