"""Measured bodies and a lineage -> the tables and the graph of an experiment."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from graticule.analysis.bodies import join_rows
from graticule.analysis.tables import edges, events_table, frames_table, particles_table, tracks_table
from graticule.core.lineage import Lineage
from graticule.pipeline.stage import Summary
from graticule.pipeline.step import Result
from graticule.storage.experiment import Experiment


def write_tables(
    experiment: Experiment,
    lineage: Lineage,
    rows: Iterable[tuple[int, Result]],
    *,
    flags: Mapping[int, Sequence[str]] | None = None,
) -> Summary:
    """Write all tables and the graph; return how many of each thing there are.

    Args:
        experiment: Where to.
        lineage: Identities, events and drift.
        rows: First frame and measured bodies of each run of frames.
        flags: What is to be said of single frames.
    """
    dates = _dates(experiment)
    scale = experiment.calibration
    particles = particles_table(join_rows(rows), calibration=scale, **dates)
    events = events_table(lineage.events, calibration=scale, **dates)
    frames = frames_table(
        particles,
        drift_px=lineage.drift_px,
        shape=experiment.shape[1:],
        calibration=scale,
        flags=flags,
        **dates,
    )
    tracks = tracks_table(particles, events, frames, calibration=scale)
    tables = {"particles": particles, "tracks": tracks, "events": events, "frames": frames}
    for name, table in tables.items():
        experiment.write_table(name, table)
    experiment.write_graph(nodes=particles, edges=edges(particles, events))
    return {name: table.num_rows for name, table in tables.items()}


def _dates(experiment: Experiment) -> dict[str, Any]:
    indices = range(experiment.shape[0])
    known = experiment.calibration.frame_interval_s is not None
    times = np.array([experiment.time_s(index) for index in indices], float) if known else None
    return {
        "source_frame": np.array([experiment.source_frame(index) for index in indices], np.int64),
        "time_s": times,
    }
