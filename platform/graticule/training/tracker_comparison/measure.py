"""One tracker on movies, run by run as the pipeline does it, timed, watched and scored."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from graticule import tracking
from graticule.core.lineage import Lineage
from graticule.core.tracker import Observations, Tracker
from graticule.evaluation.meetings import meetings
from graticule.evaluation.tracking import tracking_figures
from graticule.models.learned.device import resolve_device
from graticule.tracking.whole import painted
from graticule.training.comparison.apart import Task
from graticule.training.comparison.memory import Watch
from graticule.training.comparison.result import CPU, AbstractMeasured, device_name
from graticule.training.tracker_comparison.entrants import Entrant
from graticule.training.tracker_comparison.movies import Segmented

RUN_FRAMES = 8
_WARM_FRAMES = 4

Figures = dict[str, float | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class MovieScores:
    """What a tracker made of one movie: figures by name, and the seconds that it took."""

    figures: Figures
    seconds: float
    frames: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured(AbstractMeasured):
    """What came of a tracker's work; ``scores`` are in the order of the movies.

    ``memory_bytes`` is what tracking took above what data and libraries held.
    """

    entrant: Entrant
    scores: tuple[MovieScores, ...] = ()
    memory_bytes: int | None = None
    device: str = CPU
    trouble: str | None = None

    @property
    def name(self) -> str:
        """The entrant's."""
        return self.entrant.name


@dataclass(frozen=True, kw_only=True)
class TrackMovies(Task[Measured]):
    """What one tracker has to do; pickles small, and is done where it is called."""

    entrant: Entrant
    movies: tuple[Segmented, ...]
    threads: int = 1

    @property
    def name(self) -> str:
        """The entrant's."""
        return self.entrant.name

    def failed(self, trouble: str) -> Measured:
        """Return a result without scores."""
        return Measured(entrant=self.entrant, trouble=trouble)

    def work(self) -> Measured:
        """Track every movie."""
        torch.set_num_threads(self.threads)
        first = self.movies[0]
        warm = min(_WARM_FRAMES, first.movie.shape[0])
        tracker = tracking.create(self.entrant.tracker, **self.entrant.pinned)
        device = resolve_device(tracker.device)
        _tracked(tracker, first, warm, Stopwatch())
        watch = Watch(device)
        return Measured(
            entrant=self.entrant,
            scores=tuple(self._scores(tracker, movie, watch) for movie in self.movies),
            memory_bytes=watch.above(),
            device=device_name(device),
        )

    def _scores(self, tracker: Tracker, movie: Segmented, watch: Watch) -> MovieScores:
        count, stopwatch = movie.movie.shape[0], Stopwatch(watch)
        lineage = _tracked(tracker, movie, count, stopwatch)
        met = meetings(_pairs(movie, lineage))
        figures = tracking_figures(met, truth=movie.movie.events(), predicted=lineage.events)
        return MovieScores(figures=figures, seconds=stopwatch.seconds, frames=count)


class Stopwatch:
    """Counts the seconds, and watches the memory, of what is called through it."""

    def __init__(self, watch: Watch | None = None) -> None:
        self.seconds, self._watch = 0.0, watch

    def __call__(self, work: Any, *arguments: Any, **options: Any) -> Any:
        """Return what the work gives."""
        if self._watch is not None:
            with self._watch.watching():
                return self._timed(work, *arguments, **options)
        return self._timed(work, *arguments, **options)

    def _timed(self, work: Any, *arguments: Any, **options: Any) -> Any:
        start = time.perf_counter()
        done = work(*arguments, **options)
        self.seconds += time.perf_counter() - start
        return done


def _tracked(tracker: Tracker, movie: Segmented, frames: int, stopwatch: Stopwatch) -> Lineage:
    """Return the identities in the first so many frames."""
    seen = [
        stopwatch(tracker.observe, images, labels, first=first)
        for first, images, labels in _runs(movie, frames)
    ]
    followed = _followed(tracker, movie, frames, stopwatch)
    _, height, width = movie.movie.shape
    lineage: Lineage = stopwatch(
        tracker.resolve, seen, frames=frames, shape=(height, width), followed=followed
    )
    return lineage


def _followed(tracker: Tracker, movie: Segmented, frames: int, stopwatch: Stopwatch) -> list[Observations]:
    _, height, width = movie.movie.shape
    return [
        stopwatch(
            tracker.follow,
            movie.movie.images(window.start, window.stop)[:, *window.read],
            movie.instances(window.start, window.stop)[:, *window.read],
            window=window,
            width=width,
            pixel_size_nm=movie.movie.pixel_size_nm,
        )
        for window in tracker.windows((frames, height, width))
    ]


def _runs(movie: Segmented, count: int) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """Yield runs of frames, each with the first frame of the next, as the pipeline observes them."""
    for start in range(0, count, RUN_FRAMES):
        stop = min(start + RUN_FRAMES + 1, count)
        if start and stop - start < 2:
            return
        yield start, movie.movie.images(start, stop), movie.instances(start, stop)


def _pairs(movie: Segmented, lineage: Lineage) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the tracks of truth and prediction, frame by frame."""
    for t in range(movie.movie.shape[0]):
        predicted = painted(movie.instances(t, t + 1), lineage, first=t)[0]
        yield movie.movie.tracks(t, t + 1)[0].astype(np.int64), predicted.astype(np.int64)
