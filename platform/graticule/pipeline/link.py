"""Instances -> identities, tables and graph.

Runs of frames are observed in parallel, identities are decided once from what was
observed, and runs are then relabelled and measured in parallel.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from graticule import tracking
from graticule.analysis.bodies import measure_bodies
from graticule.core.lineage import Lineage
from graticule.core.progress import Listener
from graticule.core.tracker import Tracker
from graticule.pipeline.lineage_arrays import from_arrays, to_arrays
from graticule.pipeline.pyramid import pyramid_scheduler
from graticule.pipeline.segment import frame_flags
from graticule.pipeline.settings import LinkSettings, digest
from graticule.pipeline.stage import Stage, Summary
from graticule.pipeline.step import Executor, Result, Span, Step, spans
from graticule.pipeline.tables import write_tables
from graticule.storage.experiment import Experiment
from graticule.storage.run import Run

OBSERVE_FRAMES = 8
"""Frames that one task observes, where they fit: the last is seen again by the next task."""
OBSERVE_BYTES = 128 * 2**20
RELABEL_FRAMES = 32
RELABEL_BYTES = 64 * 2**20


@dataclass(frozen=True)
class LinkWork:
    """What every task of the stage knows."""

    experiment: Experiment
    run: Run
    tracker_name: str
    options: dict[str, Any]

    @cached_property
    def tracker(self) -> Tracker:
        """The tracker, built once per process."""
        return tracking.create(self.tracker_name, **self.options)


class ObserveRuns(LinkWork):
    """What the tracker sees in a run of frames."""

    def __call__(self, span: Span) -> Result:
        """Observe frames [start, stop) and the first frame of the next run."""
        stop = min(span.stop + 1, self.experiment.shape[0])
        images = self.experiment.read_image(span.start, stop)
        labels = self.experiment.read_labels("instances", span.start, stop)
        return self.tracker.observe(images, labels, first=span.start)


class Resolve(LinkWork):
    """All identities, from all that was observed."""

    def __call__(self, movie: Span) -> Result:
        """Decide who is who, and leave each run of frames its share."""
        frames, height, width = self.experiment.shape
        lineage = self.tracker.resolve(self._observed(), frames=frames, shape=(height, width))
        for span in link_spans(self.experiment):
            self.run.mark(f"identities.{span.key}", _share(lineage, span))
        return to_arrays(lineage)

    def _observed(self) -> Iterator[Result]:
        for span in observe_spans(self.experiment):
            yield self.run.result(f"observe.{span.key}")


class RelabelRuns(LinkWork):
    """Track labels and measures of a run of frames."""

    def __call__(self, span: Span) -> Result:
        """Write ``labels/tracks`` of frames [start, stop) and measure every body."""
        share = self.run.result(f"identities.{span.key}")
        instances = self.experiment.read_labels("instances", span.start, span.stop)
        tracks = relabelled(instances, share, first=span.start)
        self.experiment.write_labels("tracks", span.start, tracks)
        images = self.experiment.read_image(span.start, span.stop)
        return measure_bodies(tracks, instances, images)


class LinkStage(Stage):
    """Follows the particles through time and writes what was found."""

    name = "link"

    def __init__(self, upstream: str, settings: LinkSettings) -> None:
        self.settings = settings
        self.identity = digest(upstream, settings.model_dump())

    def config(self) -> dict[str, Any]:
        """Return the settings."""
        return self.settings.model_dump()

    def work(self, experiment: Experiment, run: Run, execute: Executor, listener: Listener) -> Summary:
        """Observe, decide, relabel, and write the tables and the graph."""
        experiment.create_labels("tracks")
        steps = link_steps(experiment, run, self.settings.tracker, self.settings.options)
        for step in steps:
            execute(step, listener)
        experiment.build_pyramid("tracks", scheduler=pyramid_scheduler())
        lineage = from_arrays(next(steps[1].results()))
        rows = ((span.start, rows) for span, rows in zip(steps[2].items, steps[2].results(), strict=True))
        return write_tables(experiment, lineage, rows, flags=frame_flags(experiment))


def link_steps(experiment: Experiment, run: Run, tracker: str, options: dict[str, Any]) -> list[Step]:
    """Return the steps that link an experiment, in order."""
    known = (experiment, run, tracker, options)
    runs = link_spans(experiment)
    movie = [Span(start=0, stop=experiment.shape[0])]
    return [
        Step(name="observe", items=observe_spans(experiment), work=ObserveRuns(*known), run=run),
        Step(name="resolve", items=movie, work=Resolve(*known), run=run),
        Step(name="relabel", items=runs, work=RelabelRuns(*known), run=run),
    ]


def link_spans(experiment: Experiment) -> list[Span]:
    """Return the runs of frames that one task relabels: whole shards of labels."""
    frames, height, width = experiment.shape
    shard = experiment.shard_frames
    affordable = min(RELABEL_FRAMES, RELABEL_BYTES // (4 * height * width))
    return spans(frames, length=shard * max(1, affordable // shard))


def observe_spans(experiment: Experiment) -> list[Span]:
    """Return the runs of frames that one task observes: a few shards of large frames."""
    frames, height, width = experiment.shape
    affordable = OBSERVE_BYTES // (4 * height * width)
    return spans(frames, length=max(experiment.shard_frames, min(OBSERVE_FRAMES, affordable)))


def relabelled(instances: np.ndarray, share: Result, *, first: int) -> np.ndarray:
    """Return ``instances`` (t, y, x) with each label replaced by its track, as uint32."""
    tracks = np.empty_like(instances)
    for t, frame in enumerate(instances):
        mine = share["frame"] == first + t
        table = np.zeros(int(frame.max(initial=0)) + 1, np.uint32)
        table[share["label"][mine]] = share["track"][mine]
        np.take(table, frame, out=tracks[t])
    return tracks


def _share(lineage: Lineage, span: Span) -> Result:
    mine = slice(*np.searchsorted(lineage.frame, [span.start, span.stop]))
    return {name: getattr(lineage, name)[mine] for name in ("frame", "label", "track")}
