"""Simulated movies without end: each index is a frame of a movie of its own."""

import hashlib

import numpy as np
from jaxtyping import Num

from graticule.core.errors import UnknownNameError
from graticule.synthetic.presets import PRESETS, Preset, find_preset
from graticule.synthetic.simulation import TruthFrame, simulate
from graticule.training.examples import ENDLESS
from graticule.training.sources.kinds import SYNTHETIC
from graticule.training.sources.opened import Labelled, OpenedSource

VARIED = "varied"
"""The name of a preset drawn anew for each movie."""
SIZE_PX = 512
MOST_FRAMES = 6
"""A frame is drawn from so many first frames: particles in all states of a merge occur."""


class Simulated(OpenedSource):
    """Frames of simulated movies with the exact truth; presets take turns.

    Pickles as their names. Seeds are 62-bit digests of preset and index: no movie made from a
    small seed is among them.
    """

    def __init__(self, presets: tuple[str, ...]) -> None:
        self.name = SYNTHETIC + ",".join(presets)
        self.presets = presets

    def __len__(self) -> int:
        return ENDLESS

    def group(self, index: int) -> str:
        """Return the movie, which is the example's own."""
        return str(index)

    def title(self, index: int) -> str:
        """Return the source and the index."""
        return f"{self.name} [{index}]"

    def pixels(self, index: int) -> Num[np.ndarray, "y x"]:
        """Return counted electrons."""
        return self._frame(index).image

    def labelled(self, index: int) -> Labelled:
        """Return a frame with the truth."""
        frame = self._frame(index)
        return Labelled(pixels=frame.image, labels=frame.labels.astype(np.int32), parted=True)

    def digest(self) -> str:
        """Return a digest of what movies are made from."""
        made_of = [repr(_preset(name, 0)) for name in self.presets]
        return hashlib.sha256("\n".join([self.name, *made_of]).encode()).hexdigest()

    def movie(self, index: int) -> tuple[Preset, int]:
        """Return what the movie of an example is made from: its preset and its seed."""
        name = self.presets[index % len(self.presets)]
        seed = int.from_bytes(hashlib.sha256(f"{name}:{index}".encode()).digest()[:8], "big") >> 2
        return _preset(name, seed), seed

    def _frame(self, index: int) -> TruthFrame:
        preset, seed = self.movie(index)
        frames = 1 + seed % MOST_FRAMES
        movie = simulate(preset, frames=frames, size=SIZE_PX, seed=seed)
        return next(movie.since(frames - 1))

    def _first_answer(self) -> bool:
        return True  # particles take electrons away


def open_simulated(text: str) -> Simulated:
    """Open ``synthetic:PRESET``, or ``synthetic:PRESET,PRESET``; ``varied`` draws presets.

    Raises:
        UnknownNameError: If there is no such preset.
    """
    names = tuple(name.strip() for name in text.removeprefix(SYNTHETIC).split(","))
    for name in names:
        if name not in {*PRESETS, VARIED}:
            raise UnknownNameError("preset", name, (*PRESETS, VARIED))
    return Simulated(names)


def _preset(name: str, seed: int) -> Preset:
    if name != VARIED:
        return find_preset(name)
    from graticule.synthetic.variety import varied

    return varied(np.random.default_rng(seed))
