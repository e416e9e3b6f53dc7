"""Image -> instances: measure frames, segment windows, join them across their faces.

A frame that fits in one tile goes all the way inside one task. Otherwise windows leave
their parts in the run's markers, and a second step joins them, so that every shard of
``labels/instances`` has one writer.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import Any

import numpy as np

from graticule import models
from graticule.core.errors import ConfigError, InputError
from graticule.core.progress import Listener
from graticule.core.segmenter import Patch, Segmenter, Statistics
from graticule.core.window import Window, relative
from graticule.pipeline.champion import without_alias
from graticule.pipeline.pyramid import pyramid_scheduler
from graticule.pipeline.settings import SegmentSettings, digest
from graticule.pipeline.stage import Stage, Summary
from graticule.pipeline.step import Executor, Result, Span, Step, spans
from graticule.storage.experiment import Experiment
from graticule.storage.run import Run
from graticule.tiling import Part, part_of, stitch, tile_windows

Reader = Callable[[int, int], np.ndarray]
"""Gives frames [start, stop) as (t, y, x)."""

SAMPLE_FRAMES = 9
SMALLEST_TILE = 512
NETWORK_TILE = 2048
JOIN_BYTES = 128 * 2**20


@dataclass(frozen=True)
class SegmentWork:
    """What every task of the stage knows; the segmenter is built once per process."""

    experiment: Experiment
    run: Run
    segmenter_name: str
    options: dict[str, Any]
    tile: int

    @cached_property
    def segmenter(self) -> Segmenter:
        """The segmenter, with its options resolved for this movie."""
        return models.create(self.segmenter_name, **self.options)

    def warm(self) -> None:
        """Import what the segmenter computes with, so that its threads can be limited."""
        if self.segmenter.keeps_state:
            import_module("graticule.models.learned.device")

    def windows(self, span: Span) -> list[Window]:
        """Return the windows of a run of frames, row by row."""
        _, height, width = self.experiment.shape
        return list(
            tile_windows(
                (height, width),
                frames=[(span.start, span.stop)],
                size=self.tile,
                context=self.segmenter.context,
                margin=self.segmenter.margin,
            )
        )

    def part(self, window: Window, pixels: np.ndarray, statistics: list[Statistics]) -> Part:
        """Segment one window's pixels (its read box)."""
        patch = Patch(pixels=pixels, trusted=relative(window.trusted, window.read))
        labels = self.segmenter.segment(patch, statistics).labels
        return part_of(window, labels[(slice(None), *patch.trusted)])

    def write(self, span: Span, parts: list[Part]) -> Result:
        """Join the parts of a run of frames and write its shards."""
        labels = stitch(parts, self.experiment.shape[1:])
        step = self.experiment.shard_frames
        for start in range(span.start, span.stop, step):
            stop = min(start + step, span.stop)
            self.experiment.write_labels("instances", start, labels[start - span.start : stop - span.start])
        return {"instances": labels.max(axis=(1, 2)).astype(np.int64)}


class SegmentRuns(SegmentWork):
    """All of a run of frames in one task, for frames that fit in one tile."""

    def __call__(self, span: Span) -> Result:
        """Measure, segment and write frames [start, stop)."""
        frames = self.experiment.read_image(span.start, span.stop)
        statistics = [self.segmenter.measure(frame) for frame in frames]
        parts = [self.part(window, frames, statistics) for window in self.windows(span)]
        return {**self.write(span, parts), **_columns(statistics)}


class MeasureRuns(SegmentWork):
    """The statistics of a run of frames."""

    def __call__(self, span: Span) -> Result:
        """Measure frames [start, stop), one at a time."""
        frames = (self.experiment.read_image(t, t + 1)[0] for t in range(span.start, span.stop))
        return _columns([self.segmenter.measure(frame) for frame in frames])


class SegmentWindows(SegmentWork):
    """One window of frames larger than a tile; its part waits in the marker to be joined."""

    def __call__(self, window: Window) -> Result:
        """Segment a window with the statistics measured before."""
        measured = self.run.result(f"measure.{Span(start=window.start, stop=window.stop).key}")
        pixels = self.experiment.read_image(window.start, window.stop, window.read)
        return self.part(window, pixels, list(_rows(measured))).to_arrays()


class JoinRuns(SegmentWork):
    """The windows of a run of frames, joined."""

    def __call__(self, span: Span) -> Result:
        """Read the parts of frames [start, stop), join and write them."""
        parts = [Part.from_arrays(self.run.result(f"segment.{w.key}")) for w in self.windows(span)]
        return self.write(span, parts)


class SegmentStage(Stage):
    """Finds the particles in every frame."""

    name = "segment"

    def __init__(self, upstream: str, settings: SegmentSettings) -> None:
        """Pin the weights, if there are any: what an alias stands for may change while this works.

        Raises:
            ConfigError: If the segmenter or an option is not known, or it has no weights.
            InputError: If the weights cannot be had.
        """
        self.settings = pinned(settings)
        self._weights = models.identity(self.settings.segmenter, self.settings.options)
        self.identity = digest(upstream, self._own(), *([self._weights] if self._weights else []))

    def config(self) -> dict[str, Any]:
        """Return the settings, with what the weights hold in place of where they lie."""
        champion = {"champion": self.settings.champion} if self.settings.champion else {}
        return {**self._own(), **self._weights, **champion}

    def _own(self) -> dict[str, Any]:
        without = {name for name in ("weights", "weights_sha256") if self._weights}
        options = {name: value for name, value in self.settings.options.items() if name not in without}
        return {**self.settings.model_dump(exclude={"champion"}), "options": options}

    def work(self, experiment: Experiment, run: Run, execute: Executor, listener: Listener) -> Summary:
        """Adapt the segmenter to the movie once, then segment what is not yet done."""
        options = adapted_options(experiment, self.settings)
        experiment.create_labels("instances")
        steps = segment_steps(experiment, run, self.settings.segmenter, options, self.settings.tile)
        for step in steps:
            execute(step, listener)
        counts, empty = _read_back(steps)
        if empty.all():
            raise InputError(
                f"{_source(experiment)}: no frame can be segmented: every frame is blank or holds NaN;"
                " check the movie, or take other --frames"
            )
        experiment.build_pyramid("instances", scheduler=pyramid_scheduler())
        return {
            "options": options,
            "instances": int(counts.sum()),
            "empty frames": int(empty.sum()),
        }

    def tidy(self, run: Run) -> None:
        """Forget the windows' parts, as large as the labels, once they are joined."""
        marked = run.marked()
        if any(key.startswith("join.") for key in marked):
            run.drop(sorted(key for key in marked if key.startswith("segment.")))


def segment_steps(
    experiment: Experiment, run: Run, segmenter: str, options: dict[str, Any], tile: int | None
) -> list[Step]:
    """Return the steps that segment an experiment, in order."""
    built = models.create(segmenter, **options)
    tile = tile or fitting_tile(built)
    known = (experiment, run, segmenter, options, tile)
    frames, height, width = experiment.shape
    runs = spans(frames, length=_run_length(experiment, built))
    needs = _needs(built, options)
    if max(height, width) <= tile:
        return [Step(name="segment", items=runs, work=SegmentRuns(*known), run=run, **needs)]
    plan = SegmentWork(*known)
    windows = [window for span in runs for window in plan.windows(span)]
    return [
        Step(name="measure", items=runs, work=MeasureRuns(*known), run=run),
        Step(name="segment", items=windows, work=SegmentWindows(*known), run=run, **needs),
        Step(name="join", items=runs, work=JoinRuns(*known), run=run),
    ]


def _needs(segmenter: Segmenter, options: dict[str, Any]) -> dict[str, Any]:
    """Return what a worker must have to segment, as :class:`Step` names it."""
    return {
        "keeps_state": segmenter.keeps_state,
        "device": str(options.get("device", "cpu")),
        "memory_bytes": segmenter.memory_bytes,
    }


def fitting_tile(segmenter: Segmenter) -> int:
    """Return an edge large enough that what is read around a tile does not outweigh it.

    A segmenter with a native size covers what it reads with overlapping views of that size
    anyway, so its windows need not be small: frames of most cameras (2048 px) go whole, and
    only what lies around larger ones is computed twice.
    """
    least = SMALLEST_TILE if segmenter.native_size is None else NETWORK_TILE
    return max(least, 4 * (segmenter.context + segmenter.margin))


def pinned(settings: SegmentSettings) -> SegmentSettings:
    """Return the settings with weights that stay the same, see :func:`graticule.models.pinned`."""
    settings = without_alias(settings)
    return settings.model_copy(update={"options": models.pinned(settings.segmenter, settings.options)})


def adapted_options(experiment: Experiment, settings: SegmentSettings) -> dict[str, Any]:
    """Return the segmenter's options, resolved for this movie from a few of its frames."""
    return resolved_options(
        settings, experiment.read_image, experiment.shape[0], experiment.calibration.pixel_size_nm
    )


def resolved_options(
    settings: SegmentSettings, read: Reader, frames: int, pixel_size_nm: float | None
) -> dict[str, Any]:
    """Return the segmenter's options, resolved from a few of ``frames`` frames that ``read`` gives."""
    settings = without_alias(settings)
    options = {"polarity": settings.polarity, **settings.options}
    diameter = _min_diameter_px(settings, pixel_size_nm)
    if diameter is not None:
        options["min_diameter_px"] = diameter
    samples = np.unique(np.linspace(0, frames - 1, SAMPLE_FRAMES).round().astype(int)).tolist()
    return models.adapt(settings.segmenter, options, (read(index, index + 1)[0] for index in samples))


FLAGS = {"not_finite": "not finite", "blank": "blank", "noise_only": "noise only"}
"""Statistics that say something of a frame -> the words for it in the frames table."""


def frame_flags(experiment: Experiment) -> dict[int, list[str]]:
    """Return what the segmenter's statistics say of single frames, by index."""
    flags: dict[int, list[str]] = {}
    runs = [experiment.run(run_id) for run_id in experiment.runs() if run_id.startswith("segment-")]
    for run in runs:
        first = 0
        for measured in _measured(run):
            rows = list(_rows(measured))
            for index, row in enumerate(rows, start=first):
                said = [words for name, words in FLAGS.items() if row.get(name)]
                if said:
                    flags[index] = said
            first += len(rows)
    return flags


def _measured(run: Run) -> Iterator[Result]:
    marked = run.marked()
    step = "measure" if any(key.startswith("measure.") for key in marked) else "segment"
    for key in sorted(key for key in marked if key.startswith(f"{step}.")):
        yield run.result(key)


def _min_diameter_px(settings: SegmentSettings, pixel_size_nm: float | None) -> float | None:
    if settings.min_diameter_nm is None:
        return settings.min_diameter_px
    if pixel_size_nm is None:
        raise ConfigError(
            f"--min-diameter-nm {settings.min_diameter_nm} needs a pixel size, which the movie does not"
            " give; add --pixel-size-nm, or use --min-diameter-px"
        )
    return settings.min_diameter_nm / pixel_size_nm


def _run_length(experiment: Experiment, segmenter: Segmenter) -> int:
    """Return how many frames one task takes: some, but one shard of a network's slow ones."""
    shard = experiment.shard_frames
    if segmenter.keeps_state:
        return shard
    _, height, width = experiment.shape
    affordable = max(1, JOIN_BYTES // (4 * height * width * shard))
    return shard * min(affordable, max(1, 16 // shard))


def _columns(statistics: list[Statistics]) -> Result:
    names = sorted({name for row in statistics for name in row})
    return {f"stat_{name}": np.array([row.get(name, np.nan) for row in statistics]) for name in names}


def _rows(columns: Result) -> Iterator[dict[str, float]]:
    names = [name for name in columns if name.startswith("stat_")]
    for values in zip(*(columns[name].tolist() for name in names), strict=True):
        row = dict(zip(names, values, strict=True))
        yield {name.removeprefix("stat_"): value for name, value in row.items() if value == value}


def _source(experiment: Experiment) -> str:
    """Return the path that the movie came from."""
    runs = (experiment.run(run_id) for run_id in experiment.runs() if run_id.startswith("ingest-"))
    files = next(((run.config or {}).get("input") for run in runs), None)
    return str(files[0]) if files else experiment.root


def _read_back(steps: list[Step]) -> tuple[np.ndarray, np.ndarray]:
    counts = [result["instances"] for result in steps[-1].results()]
    flags = [result.get("stat_empty") for result in steps[0].results()]
    empty = [np.zeros(len(n)) if f is None else np.nan_to_num(f) for n, f in zip(counts, flags, strict=True)]
    return np.concatenate(counts), np.concatenate(empty) > 0
