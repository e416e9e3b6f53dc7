"""Compare trackers on movies whose truth is known: everything from names to a page."""

import logging
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from graticule.core.errors import ConfigError, InputError
from graticule.core.keyless import keyless
from graticule.core.progress import Listener, Progress, ignore
from graticule.report.trackers import TrackerComparison, publish
from graticule.storage.failures import storage_errors
from graticule.training.comparison.apart import one_by_one
from graticule.training.comparison.compare import POLARITIES
from graticule.training.comparison.folder import becoming, check_free
from graticule.training.comparison.result import machine, troubles
from graticule.training.tracker_comparison.entrants import BASELINE, Entrant
from graticule.training.tracker_comparison.measure import Measured, TrackMovies
from graticule.training.tracker_comparison.movies import (
    Making,
    Segmented,
    SimulatedMovie,
    TruthMovie,
    open_movies,
)
from graticule.training.tracker_comparison.segmentations import TRUTH, SegmentMovie, planned, segmentation_of
from graticule.training.tracker_comparison.summary import groups

log = logging.getLogger(__name__)

Execute = Callable[[Sequence[TrackMovies]], Iterator[Measured]]
"""Does pieces of work; gives their results in order."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a comparison of trackers is asked for.

    Attributes:
        data: Experiments taken for the truth, or ``synthetic:PRESET``.
        segmentations: ``truth``, or segmenters' names; each movie is segmented once with each.
        making: How simulated movies are made.
        polarity: Told to segmenters; ``auto`` lets it be guessed.
        threads: Of torch, in each entrant's process.
    """

    data: tuple[str, ...]
    segmentations: tuple[str, ...] = (TRUTH,)
    making: Making = field(default_factory=Making)
    polarity: str = "auto"
    threads: int = 1

    def __post_init__(self) -> None:
        if self.polarity not in POLARITIES:
            raise ConfigError(f"--polarity {self.polarity!r}: write one of {', '.join(POLARITIES)}")
        for option, given in (("--data", self.data), ("--segmentations", self.segmentations)):
            if not given:
                raise ConfigError(f"give at least one {option} to compare on")
            twice = [text for text in given if given.count(text) > 1]
            if twice:
                raise ConfigError(f"{option} {twice[0]} is given twice; leave one out")


@dataclass(frozen=True, kw_only=True)
class Compared:
    """What a comparison came to; its files lie in ``out``."""

    out: Path
    comparison: TrackerComparison
    measured: tuple[Measured, ...]
    movies: tuple[Segmented, ...]

    @property
    def troubles(self) -> list[str]:
        """What went wrong, a line per tracker without figures."""
        return troubles(self.measured)


def compare_trackers(
    entrants: Sequence[Entrant],
    out: Path,
    asked: Asked,
    *,
    execute: Execute = one_by_one,
    listen: Listener = ignore,
    overwrite: bool = False,
    then: Callable[[Compared], None] = lambda done: None,
) -> Compared:
    """Run every tracker on every movie with every segmentation, and write page and tables.

    Args:
        entrants: Who takes part, see :func:`.entrants.entrants_of`.
        out: Local folder; there whole or not at all.
        asked: On what, and how.
        execute: Does the trackers' work; by default in a process of its own each.
        listen: Told of progress.
        overwrite: Replace a comparison that lies there.
        then: Called in the end; what it raises undoes nothing.

    Raises:
        ConfigError: If something asked for cannot be.
        InputError: If a movie cannot be read or segmented.
        StorageError: If ``out`` holds something, or cannot be written.
    """
    check_free(out, overwrite=overwrite)
    with _scratch(out) as scratch:
        segmenters = [segmentation_of(text) for text in asked.segmentations]
        movies = [movie for text in asked.data for movie in open_movies(text, asked.making, scratch)]
        _make(movies, listen)
        ready, tasks = planned(movies, segmenters, scratch, polarity=asked.polarity, threads=asked.threads)
        _segment(tasks, listen)
        works = [TrackMovies(entrant=each, movies=tuple(ready), threads=asked.threads) for each in entrants]
        measured = []
        for count, result in enumerate(execute(works), 1):
            measured.append(result)
            listen(Progress(stage="compare", done=count, total=len(works), unit="trackers"))
        comparison = TrackerComparison(
            groups=groups(ready, measured),
            baseline=BASELINE,
            machine=machine(measured, threads=asked.threads),
            settings=keyless(_settings(movies, entrants, asked)),
            notes=troubles(measured),
        )
    done = Compared(out=out, comparison=comparison, measured=tuple(measured), movies=tuple(ready))
    with becoming(out) as folder:
        publish(comparison, folder)
    then(done)
    return done


@contextmanager
def _scratch(out: Path) -> Iterator[Path]:
    with storage_errors(str(out)):
        out.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}.movies."))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _make(movies: Sequence[TruthMovie], listen: Listener) -> None:
    simulated = [movie for movie in movies if isinstance(movie, SimulatedMovie)]
    for count, movie in enumerate(simulated, 1):
        with storage_errors(str(movie.folder)):
            movie.make()
        listen(Progress(stage="simulate", done=count, total=len(simulated), unit="movies"))


def _segment(tasks: Sequence[SegmentMovie], listen: Listener) -> None:
    for count, trouble in enumerate(one_by_one(tasks), 1):
        if trouble is not None:
            raise InputError(trouble)
        listen(Progress(stage="segment", done=count, total=len(tasks), unit="movies"))


def _settings(movies: Sequence[TruthMovie], entrants: Sequence[Entrant], asked: Asked) -> dict[str, str]:
    said = {"polarity": asked.polarity, "torch threads": str(asked.threads)}
    for movie in movies:
        frames, height, width = movie.shape
        said[movie.name] = f"{frames} frames of {height} x {width} px, data {movie.digest()[:16]}"
    for entrant in entrants:
        options = ", ".join(f"{name} {value}" for name, value in entrant.options.items())
        said[entrant.tracker] = options or "options as they are by default"
    return said
