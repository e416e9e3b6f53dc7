"""A movie goes in, tracked particles come out: the stages of one experiment in order."""

import logging
from dataclasses import dataclass

from graticule.core.errors import ExperimentError
from graticule.core.keyless import keyless
from graticule.core.movie import Movie
from graticule.core.progress import Listener
from graticule.io import open_movie
from graticule.io.select import parse_crop, parse_frames, select
from graticule.pipeline.checks import check_apart, check_replaceable, check_segmenter, check_tracker
from graticule.pipeline.ingest import IngestStage
from graticule.pipeline.link import LinkStage
from graticule.pipeline.publish import ReportStage
from graticule.pipeline.segment import SegmentStage
from graticule.pipeline.settings import IngestSettings, LinkSettings, SegmentSettings, TrackSettings
from graticule.pipeline.stage import Stage, run_stages
from graticule.pipeline.step import Executor
from graticule.storage.experiment import Experiment

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Tracked:
    """An experiment brought to its end; ``worked`` is false when it was finished before."""

    experiment: Experiment
    worked: bool


def track_movie(
    source: str,
    out: str,
    settings: TrackSettings,
    *,
    execute: Executor,
    listener: Listener,
    overwrite: bool = False,
) -> Tracked:
    """Ingest, segment, link and report one movie; go on where an earlier run stopped.

    Args:
        source: Path or URL of the movie.
        out: Path or URL of the experiment.
        settings: What to take and how to find and follow particles.
        execute: What performs the steps: a plain loop or Ray.
        listener: Told of progress.
        overwrite: Replace the results of another input or configuration.

    Raises:
        GraticuleError: One line that names what is wrong and the remedy.
    """
    check_apart(source, out)
    movie = selected(source, settings.ingest)
    check_segmenter(settings.segment, pixel_size_nm=movie.calibration.pixel_size_nm)
    check_tracker(settings.link)
    ingest = IngestStage(movie, settings.ingest)
    stages = [ingest, *analysis_stages(ingest.identity, settings.segment, settings.link)]
    experiment = prepare(out, movie, ingest, overwrite=overwrite)
    worked = run_stages(experiment, stages, execute=execute, listener=listener, overwrite=overwrite)
    return Tracked(experiment=experiment, worked=worked)


def analysis_stages(ingested: str, segment: SegmentSettings, link: LinkSettings) -> list[Stage]:
    """Return the stages after ingest, each knowing what came before it."""
    segmented = SegmentStage(ingested, segment)
    linked = LinkStage(segmented.identity, link)
    return [segmented, linked, ReportStage(linked.identity)]


def selected(source: str, settings: IngestSettings) -> Movie:
    """Open a movie and take the part of it, and the scale, that the settings ask for."""
    movie = select(
        open_movie(source),
        frames=None if settings.frames is None else parse_frames(settings.frames),
        crop=None if settings.crop is None else parse_crop(settings.crop),
        average=settings.average,
        pixel_size_nm=settings.pixel_size_nm,
        frame_interval_s=settings.frame_interval_s,
    )
    for note in movie.notes:
        log.warning("%s", note)
    return movie


def prepare(out: str, movie: Movie, ingest: IngestStage, *, overwrite: bool) -> Experiment:
    """Return the experiment at ``out`` for this movie: new, or one that it can go on with.

    Raises:
        ExperimentError: If something else lies there, unless ``overwrite``.
    """
    if Experiment.exists(out):
        experiment = Experiment.open(out)
        if f"ingest-{ingest.identity}" in experiment.runs():
            return _create(out, movie, ingest)  # the same one, without what a killed writer left
        if not overwrite and experiment.runs():
            raise ExperimentError(_taken(experiment, ingest))
        experiment.delete()
    elif not Experiment.is_vacant(out):
        check_replaceable(out, overwrite=overwrite)
    return _create(out, movie, ingest)


def _create(out: str, movie: Movie, ingest: IngestStage) -> Experiment:
    crop = ingest.settings.crop
    rows, columns = parse_crop(crop) if crop else (slice(0, 0), slice(0, 0))
    step = movie.source_frame(1) - movie.source_frame(0) if movie.shape[0] > 1 else ingest.settings.average
    return Experiment.create(
        out,
        name=movie.name,
        shape=movie.shape,
        dtype=movie.dtype,
        calibration=movie.calibration,
        first_frame=movie.source_frame(0),
        frame_step=step,
        crop_origin=(rows.start or 0, columns.start or 0),
        beside_others=True,
    )


def _taken(experiment: Experiment, ingest: IngestStage) -> str:
    others = [run_id for run_id in experiment.runs() if run_id.startswith("ingest-")]
    if not others:
        return f"{experiment.root} holds no tracked movie; choose another --out, or add --overwrite"
    old = experiment.run(others[0]).config or {}
    new = keyless(ingest.config())
    changed = [
        f"{key} was {old.get(key)!r}, now {value!r}"
        for key, value in new.items()
        if key not in ("notes", "input_digest") and old.get(key) != value
    ]
    return (
        f"{experiment.root} holds the result of another input or configuration"
        f" ({'; '.join(changed) or 'the input has changed since'}); choose another --out, or add --overwrite"
    )
