"""Synthetic movies as experiments whose labels and tables are the truth."""

import logging
from collections.abc import Iterator

import numpy as np

from graticule.analysis.bodies import measure_bodies
from graticule.core.calibration import Calibration
from graticule.core.errors import ExperimentError
from graticule.core.progress import Listener, Progress
from graticule.experiments.provenance import what_ran
from graticule.pipeline.checks import check_replaceable
from graticule.pipeline.settings import digest
from graticule.pipeline.step import Result, Span, spans
from graticule.pipeline.tables import write_tables
from graticule.storage.experiment import Experiment
from graticule.synthetic import Simulation, TruthFrame
from graticule.synthetic import simulate as simulated

log = logging.getLogger(__name__)


def simulate_experiment(
    out: str,
    *,
    preset: str,
    frames: int,
    size: int,
    seed: int,
    calibration: Calibration,
    listener: Listener,
    overwrite: bool = False,
) -> Experiment:
    """Write a simulated movie frame by frame, with its truth as labels, tables and graph.

    The same movie that is there already is left alone; one that was cut short is begun anew.

    Raises:
        UnknownNameError: If there is no such preset.
        ExperimentError: If something lies at ``out``, unless ``overwrite``.
    """
    movie = simulated(preset, frames=frames, size=size, seed=seed)
    scale = {"pixel_size_nm": calibration.pixel_size_nm, "frame_interval_s": calibration.frame_interval_s}
    config = {"preset": preset, "frames": frames, "size": size, "seed": seed, **scale}
    run_id = f"simulate-{digest(config)}"
    if Experiment.exists(out):
        there = Experiment.open(out)
        if there.run(run_id).finished:
            log.info("already finished, nothing to do")
            return there
        if not overwrite and there.runs() not in ([], [run_id]):
            raise ExperimentError(
                f"{out} holds another experiment; choose another folder, or add --overwrite"
            )
        there.delete()
    elif not Experiment.is_vacant(out):
        check_replaceable(out, overwrite=overwrite)
    experiment = Experiment.create(
        out,
        name=f"{preset}-{seed}",
        shape=(frames, size, size),
        dtype=np.dtype(np.uint16),
        calibration=calibration,
        beside_others=True,
    )
    run = experiment.run(run_id)
    run.start(config, what_ran())
    rows = list(_write_pixels(experiment, movie, listener))
    summary = write_tables(experiment, movie.lineage(), rows)
    run.finish(summary)
    return experiment


def _write_pixels(
    experiment: Experiment, movie: Simulation, listener: Listener
) -> Iterator[tuple[int, Result]]:
    experiment.create_labels("instances")
    experiment.create_labels("tracks")
    frames = iter(movie)
    total = experiment.shape[0]
    for span in spans(total, length=experiment.shard_frames):
        yield span.start, _write_span(experiment, span, [next(frames) for _ in range(span.frames)])
        listener(Progress(stage="simulate", done=span.stop, total=total))
    for which in ("image", "instances", "tracks"):
        experiment.build_pyramid(which)


def _write_span(experiment: Experiment, span: Span, truth: list[TruthFrame]) -> Result:
    images = np.stack([frame.image for frame in truth])
    instances = np.stack([frame.labels for frame in truth])
    tracks = np.stack(
        [np.concatenate([[0], frame.tracks]).astype(np.uint32)[frame.labels] for frame in truth]
    )
    experiment.write_image(span.start, images)
    experiment.write_labels("instances", span.start, instances)
    experiment.write_labels("tracks", span.start, tracks)
    return measure_bodies(tracks, instances, images)
