"""All that a report says, read once from an experiment's tables."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from graticule.core.calibration import Calibration
from graticule.storage.experiment import Experiment

_PARTICLE_COLUMNS = ("frame", "track", "y_px", "x_px", "equivalent_diameter_px", "touches_border")
_FRAME_COLUMNS = ("frame", "drift_y_px", "drift_x_px", "particles", "coverage")

Columns = dict[str, np.ndarray]


@dataclass(frozen=True, kw_only=True, slots=True)
class Units:
    """What one pixel and one frame are worth, and in which unit; px and frames if unknown."""

    length: str
    per_px: float
    time: str

    @classmethod
    def of(cls, calibration: Calibration) -> "Units":
        """Return the units of a calibration."""
        pixel = calibration.pixel_size_nm
        return cls(
            length="nm" if pixel else "px",
            per_px=pixel or 1.0,
            time="s" if calibration.frame_interval_s else "frame",
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Findings:
    """Tables as columns. ``place`` counts frames within the experiment; rows keep their order.

    ``events`` is a list of dictionaries with ``place`` added; lengths are in pixels.
    """

    experiment: Experiment
    units: Units
    particles: Columns
    frames: Columns
    time: np.ndarray
    flags: list[list[str]]
    events: list[dict[str, Any]]
    track_length: np.ndarray

    @cached_property
    def first_row(self) -> np.ndarray:
        """Row of the first particle of each frame, and the end of the last (frames + 1)."""
        places: np.ndarray = np.searchsorted(self.particles["place"], np.arange(len(self.time) + 1))
        return places

    @cached_property
    def previous_row(self) -> np.ndarray:
        """Row of the same track's particle before each particle, -1 at its start."""
        track = self.particles["track"]
        order = np.argsort(track, kind="stable")
        before = np.full(len(track), -1)
        same = track[order][1:] == track[order][:-1]
        before[order[1:][same]] = order[:-1][same]
        return before

    @cached_property
    def drift(self) -> np.ndarray:
        """Position (y, x) of the specimen in each frame, px; unknown counts as unmoved."""
        columns = [self.frames[f"drift_{axis}_px"] for axis in "yx"]
        drift: np.ndarray = np.nan_to_num(np.stack(columns, axis=1))
        return drift

    def rows(self, place: int) -> slice:
        """Return the rows of the particles in a frame."""
        return slice(int(self.first_row[place]), int(self.first_row[place + 1]))

    def of_kind(self, kind: str) -> list[dict[str, Any]]:
        """Return the events of one kind, in order."""
        return [event for event in self.events if event["kind"] == kind]

    def diameter_of(self, tracks: list[int], place: int) -> float:
        """Return the largest diameter of some tracks within two frames, in pixels (0 if unseen)."""
        first, last = max(place - 2, 0), min(place + 2, len(self.time) - 1)
        near = slice(self.rows(first).start, self.rows(last).stop)
        mine = np.isin(self.particles["track"][near], tracks)
        return float(self.particles["equivalent_diameter_px"][near][mine].max(initial=0))


def gather(experiment: Experiment) -> Findings:
    """Read the tables of an experiment."""
    frames = experiment.read_table("frames")
    columns = _columns(frames, _FRAME_COLUMNS)
    particles = _columns(experiment.read_table("particles"), _PARTICLE_COLUMNS)
    particles["place"] = np.searchsorted(columns["frame"], particles["frame"])
    events = experiment.read_table("events").to_pylist()
    for event in events:
        event["place"] = int(np.searchsorted(columns["frame"], event["frame"]))
    units = Units.of(experiment.calibration)
    return Findings(
        experiment=experiment,
        units=units,
        particles=particles,
        frames=columns,
        time=_filled(frames["time_s"]) if units.time == "s" else columns["frame"].astype(float),
        flags=[list(flags or ()) for flags in frames["flags"].to_pylist()],
        events=events,
        track_length=experiment.read_table("tracks")["frames_seen"].to_numpy(),
    )


def _columns(table: pa.Table, names: tuple[str, ...]) -> Columns:
    return {name: _filled(table[name]) for name in names}


def _filled(column: pa.ChunkedArray) -> np.ndarray:
    values: np.ndarray = column.to_numpy()
    return values
