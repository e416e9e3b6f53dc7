"""Movie -> image: copy frames into the experiment, shard by shard, and build the pyramid."""

from dataclasses import dataclass
from typing import Any

from graticule.core.movie import Movie
from graticule.core.progress import Listener
from graticule.io.digest import input_digest
from graticule.pipeline.pyramid import pyramid_scheduler
from graticule.pipeline.settings import IngestSettings, digest
from graticule.pipeline.stage import Stage, Summary
from graticule.pipeline.step import Executor, Result, Span, Step, spans
from graticule.storage.experiment import Experiment
from graticule.storage.run import Run

RUN_BYTES = 32 * 2**20
"""Pixels that one task copies, at least: handing out a task costs some 10 ms."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CopyFrames:
    """Copies a run of frames from the movie to the image, one shard at a time."""

    movie: Movie
    experiment: Experiment

    def __call__(self, span: Span) -> Result:
        """Write frames [start, stop); ``start`` lies on the shard grid."""
        for start in range(span.start, span.stop, self.experiment.shard_frames):
            stop = min(start + self.experiment.shard_frames, span.stop)
            self.experiment.write_image(start, self.movie.read(start, stop))
        return {}


class IngestStage(Stage):
    """Brings a movie into an experiment."""

    name = "ingest"

    def __init__(self, movie: Movie, settings: IngestSettings) -> None:
        self.movie, self.settings = movie, settings
        self._input = input_digest(movie)
        self.identity = digest(self._input, settings.model_dump())

    def config(self) -> dict[str, Any]:
        """Return input and settings."""
        return {
            "input": list(self.movie.files[:1]),
            "input_files": len(self.movie.files),
            "input_digest": self._input,
            "notes": list(self.movie.notes),
            **self.settings.model_dump(),
        }

    def work(self, experiment: Experiment, run: Run, execute: Executor, listener: Listener) -> Summary:
        """Copy what is not yet copied, then build the pyramid."""
        execute(ingest_step(self.movie, experiment, run), listener)
        experiment.build_pyramid("image", scheduler=pyramid_scheduler())
        return {"frames": self.movie.shape[0]}


def ingest_step(movie: Movie, experiment: Experiment, run: Run) -> Step:
    """Return the step that copies the frames, in runs as long as the movie likes to be read."""
    shard = experiment.shard_frames
    frame_bytes = movie.dtype.itemsize * movie.shape[1] * movie.shape[2]
    length = shard * max(1, -(-movie.run_hint // shard), RUN_BYTES // (frame_bytes * shard))
    return Step(
        name="ingest",
        items=spans(movie.shape[0], length=length),
        work=CopyFrames(movie=movie, experiment=experiment),
        run=run,
    )
