"""Each movie segmented once, for all trackers alike: the truth's own instances, or a segmenter's."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from graticule import models
from graticule.core.errors import ConfigError
from graticule.core.segmenter import Patch
from graticule.core.window import whole
from graticule.models.registry import WEIGHTS
from graticule.training.comparison.apart import Task
from graticule.training.comparison.entrants import Entrant, entrants_of
from graticule.training.tracker_comparison.movies import Segmented, TruthMovie

TRUTH = "truth"
_SAMPLES = 9


@dataclass(frozen=True, kw_only=True)
class SegmentMovie(Task["str | None"]):
    """One movie segmented into a stack of labels; comes to what went wrong."""

    movie: TruthMovie
    entrant: Entrant
    out: Path
    polarity: str
    threads: int

    @property
    def name(self) -> str:
        """Of segmenter and movie."""
        return f"{self.entrant.name} on {self.movie.name}"

    def failed(self, trouble: str) -> "str | None":
        """Return what went wrong."""
        return f"{self.name}: {trouble}"

    def work(self) -> None:
        """Segment frame by frame, each whole, with options fitted to the movie without its labels."""
        torch.set_num_threads(self.threads)
        network = self.entrant.network
        if network is None:
            raise ConfigError(f"{self.entrant.weights} does not say of which network it is")
        count, height, width = self.movie.shape
        options: dict[str, Any] = {"polarity": self.polarity}
        if self.entrant.weights is not None:
            options |= models.pinned(network, {WEIGHTS: self.entrant.weights})
        chosen = np.unique(np.linspace(0, count - 1, _SAMPLES).round().astype(int)).tolist()
        samples = [self.movie.images(t, t + 1)[0] for t in chosen]
        segmenter = models.create(network, **models.adapt(network, options, samples))
        scratch = self.out.with_suffix(".part")
        stack = np.lib.format.open_memmap(scratch, "w+", np.uint32, (count, height, width))
        for t in range(count):
            frame = self.movie.images(t, t + 1)
            patch = Patch(pixels=frame, trusted=whole((height, width)))
            stack[t] = segmenter.segment(patch, [segmenter.measure(frame[0])]).labels[0]
        stack.flush()
        scratch.rename(self.out)


def segmentation_of(text: str) -> Entrant | None:
    """Return the segmenter that ``--segmentations`` names; ``None`` for the truth.

    Raises:
        ConfigError: If it names several, or none; as :func:`entrants_of` does.
    """
    if text == TRUTH:
        return None
    found = entrants_of([text])
    named = found if text == found[0].name else found[1:]
    if len(named) != 1:
        raise ConfigError(f"--segmentations {text!r} names {len(named)} segmenters; name each by itself")
    return named[0]


def planned(
    movies: Sequence[TruthMovie],
    segmenters: Sequence[Entrant | None],
    folder: Path,
    *,
    polarity: str,
    threads: int,
) -> tuple[list[Segmented], list[SegmentMovie]]:
    """Return every movie with every segmentation, and what must be done before they can be read."""
    ready, tasks = [], []
    for segmenter in segmenters:
        for movie in movies:
            if segmenter is None:
                ready.append(Segmented(movie=movie, segmentation=TRUTH))
                continue
            key = hashlib.sha256(f"{segmenter} {movie.data} {movie.name}".encode()).hexdigest()[:16]
            out = folder / f"{key}.npy"
            ready.append(Segmented(movie=movie, segmentation=segmenter.name, labels=out))
            tasks.append(
                SegmentMovie(movie=movie, entrant=segmenter, out=out, polarity=polarity, threads=threads)
            )
    return ready, tasks
