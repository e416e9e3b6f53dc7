"""Instances -> identities, tables and graph.

Runs of frames are observed in parallel, and windows of space and time followed if the tracker
does so; identities are decided once from all that was seen, and runs are then relabelled and
measured in parallel.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from graticule import tracking
from graticule.analysis.bodies import measure_bodies
from graticule.core.lineage import Lineage
from graticule.core.progress import Listener
from graticule.core.tracker import Tracker
from graticule.core.window import Window
from graticule.pipeline.lineage_arrays import from_arrays, to_arrays
from graticule.pipeline.pyramid import pyramid_scheduler
from graticule.pipeline.segment import frame_flags
from graticule.pipeline.settings import LinkSettings, digest
from graticule.pipeline.stage import Stage, Summary
from graticule.pipeline.step import Executor, Item, Result, Span, Step, spans
from graticule.pipeline.tables import write_tables
from graticule.storage.experiment import Experiment
from graticule.storage.run import Run
from graticule.tracking.whole import painted

OBSERVE_FRAMES = 8
"""Frames that one task observes, where they fit: the last is seen again by the next task."""
OBSERVE_BYTES = 128 * 2**20
RELABEL_FRAMES = 32
RELABEL_BYTES = 64 * 2**20
WORKER_BYTES = 2**30
"""Main memory of an actor that follows: network, views and their memory."""


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


class FollowWindows(LinkWork):
    """Where the particles of a window of space and time went."""

    def __call__(self, window: Window) -> Result:
        """Follow a window through its frames; one actor does so with a network built once."""
        return self.tracker.follow(
            self.experiment.read_image(window.start, window.stop, window.read),
            self.experiment.read_labels("instances", window.start, window.stop, window.read),
            window=window,
            width=self.experiment.shape[2],
            pixel_size_nm=self.experiment.calibration.pixel_size_nm,
        )


class Resolve(LinkWork):
    """All identities, from all that was observed and followed."""

    def __call__(self, movie: Span) -> Result:
        """Decide who is who, and leave each run of frames its share."""
        frames, height, width = self.experiment.shape
        lineage = self._resolved(frames, (height, width))
        for span in link_spans(self.experiment):
            self.run.mark(f"identities.{span.key}", _share(lineage, span))
        return to_arrays(lineage)

    def _resolved(self, frames: int, shape: tuple[int, int]) -> Lineage:
        observed = self._results("observe", observe_spans(self.experiment))
        followed = self._results("follow", self.tracker.windows((frames, *shape)))
        return self.tracker.resolve(observed, frames=frames, shape=shape, followed=followed)

    def _results(self, step: str, items: Sequence[Item]) -> Iterator[Result]:
        for item in items:
            yield self.run.result(f"{step}.{item.key}")


class RelabelRuns(LinkWork):
    """Track labels and measures of a run of frames."""

    def __call__(self, span: Span) -> Result:
        """Write ``labels/tracks`` of frames [start, stop) and measure every body."""
        share = from_arrays(self.run.result(f"identities.{span.key}"))
        instances = self.experiment.read_labels("instances", span.start, span.stop)
        tracks = painted(instances, share, first=span.start)
        self.experiment.write_labels("tracks", span.start, tracks)
        images = self.experiment.read_image(span.start, span.stop)
        return measure_bodies(tracks, instances, images)


class LinkStage(Stage):
    """Follows the particles through time and writes what was found."""

    name = "link"

    def __init__(self, upstream: str, settings: LinkSettings) -> None:
        """Pin the tracker's weights, if it has any.

        Raises:
            ConfigError: If the tracker or an option is not known, or it has no weights.
            InputError: If the weights cannot be had.
        """
        options = tracking.pinned(settings.tracker, settings.options)
        self.settings = settings.model_copy(update={"options": options})
        self.identity = digest(upstream, self.config())

    def config(self) -> dict[str, Any]:
        """Return the settings, with what the weights hold in place of where they lie."""
        pinned = "weights_sha256" in self.settings.options
        options = {k: v for k, v in self.settings.options.items() if not (pinned and k == "weights")}
        return {**self.settings.model_dump(), "options": options}

    def work(self, experiment: Experiment, run: Run, execute: Executor, listener: Listener) -> Summary:
        """Observe, decide, relabel, and write the tables and the graph."""
        experiment.create_labels("tracks")
        steps = link_steps(experiment, run, self.settings.tracker, self.settings.options)
        for step in steps:
            execute(step, listener)
        experiment.build_pyramid("tracks", scheduler=pyramid_scheduler())
        resolve, relabel = steps[-2:]
        lineage = from_arrays(next(resolve.results()))
        rows = ((span.start, rows) for span, rows in zip(relabel.items, relabel.results(), strict=True))
        return write_tables(experiment, lineage, rows, flags=frame_flags(experiment))


def link_steps(experiment: Experiment, run: Run, tracker: str, options: dict[str, Any]) -> list[Step]:
    """Return the steps that link an experiment, in order."""
    known = (experiment, run, tracker, options)
    runs = link_spans(experiment)
    movie = [Span(start=0, stop=experiment.shape[0])]
    return [
        Step(name="observe", items=observe_spans(experiment), work=ObserveRuns(*known), run=run),
        *_follow_steps(experiment, run, FollowWindows(*known)),
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


def _follow_steps(experiment: Experiment, run: Run, work: FollowWindows) -> list[Step]:
    windows = work.tracker.windows(experiment.shape)
    if not windows:
        return []
    return [
        Step(
            name="follow",
            items=windows,
            work=work,
            run=run,
            keeps_state=True,
            device=work.tracker.device,
            memory_bytes=WORKER_BYTES,
        )
    ]


def _share(lineage: Lineage, span: Span) -> Result:
    """Return what the run of frames needs to be relabelled: who is who there, no events."""
    mine = slice(*np.searchsorted(lineage.frame, [span.start, span.stop]))
    runs = (lineage.carried.frame >= span.start) & (lineage.carried.frame < span.stop)
    columns = {name: getattr(lineage, name)[mine] for name in ("frame", "label", "track")}
    return to_arrays(Lineage(**columns, drift_px=lineage.drift_px[:0], carried=lineage.carried.take(runs)))
