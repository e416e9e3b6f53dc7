"""The four tables of an experiment, from measured bodies and a lineage.

Frames come in counted within the experiment and go out as numbers of the source movie;
``source_frame`` and ``time_s`` (``None`` where unknown) translate, one entry per frame.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Float, Int

from graticule.analysis.bodies import Rows
from graticule.core.calibration import Calibration
from graticule.core.lineage import Event
from graticule.storage.schemas import nm_twin, table_schema


def particles_table(
    rows: Rows,
    *,
    calibration: Calibration,
    source_frame: Int[np.ndarray, " t"],
    time_s: Float[np.ndarray, " t"] | None,
) -> pa.Table:
    """Return the table of particles, by frame, then track; ``particle`` counts from 0.

    Args:
        rows: What :func:`graticule.analysis.bodies.join_rows` gives for the whole movie.
        calibration: Adds the nm columns when the pixel size is known.
        source_frame: Number in the source movie of each frame.
        time_s: Time of each frame.
    """
    order = np.lexsort((rows["track"], rows["frame"]))
    columns = {name: column[order] for name, column in rows.items()}
    columns["particle"] = np.arange(len(order))
    return _table("particles", _dated(columns, source_frame, time_s), calibration)


def tracks_table(
    particles: pa.Table, events: pa.Table, frames: pa.Table, *, calibration: Calibration
) -> pa.Table:
    """Return the table of tracks, by id, from the other three.

    A track starts (ends) at the border when its first (last) particle touches the border
    or the event of its appearing (vanishing) lies there. The path is summed in the
    specimen's frame: drift is taken off first.
    """
    columns = {name: particles[name].to_numpy() for name in ("track", "frame", "touches_border")}
    order = np.lexsort((columns["frame"], columns["track"]))
    track, frame, border = (columns[name][order] for name in columns)
    ids, first, seen = np.unique(track, return_index=True, return_counts=True)
    last = first + seen - 1
    diameter = particles["equivalent_diameter_px"].to_numpy()[order]
    step = np.diff(_positions(particles, frames)[order], axis=0, prepend=np.nan)
    moved = np.hypot(*step.T)
    moved[first] = 0
    table: dict[str, Any] = {
        "track": ids,
        "first_frame": frame[first],
        "last_frame": frame[last],
        "frames_seen": seen,
        "parents": _relatives(events, ids, of="children", are="parents"),
        "children": _relatives(events, ids, of="parents", are="children"),
        "starts_at_border": border[first] | np.isin(ids, _border_members(events, "appear", "children")),
        "ends_at_border": border[last] | np.isin(ids, _border_members(events, "vanish", "parents")),
        "mean_equivalent_diameter_px": _sums(diameter, first) / seen,
        "path_length_px": _sums(moved, first),
    }
    return _table("tracks", table, calibration)


def events_table(
    events: Sequence[Event],
    *,
    calibration: Calibration,
    source_frame: Int[np.ndarray, " t"],
    time_s: Float[np.ndarray, " t"] | None,
) -> pa.Table:
    """Return the table of events, by frame, kind and members; ``event`` counts from 0."""
    events = sorted(events, key=lambda event: (event.frame, event.kind, event.parents, event.children))
    columns: dict[str, Any] = {
        "event": np.arange(len(events)),
        "kind": [event.kind for event in events],
        "frame": np.array([event.frame for event in events], np.int64),
        "parents": [list(event.parents) for event in events],
        "children": [list(event.children) for event in events],
        "y_px": [event.y_px for event in events],
        "x_px": [event.x_px for event in events],
        "at_border": [event.at_border for event in events],
        "confidence": [event.confidence for event in events],
    }
    return _table("events", _dated(columns, source_frame, time_s), calibration)


def frames_table(
    particles: pa.Table,
    *,
    drift_px: Float[np.ndarray, "t 2"],
    shape: tuple[int, int],
    calibration: Calibration,
    source_frame: Int[np.ndarray, " t"],
    time_s: Float[np.ndarray, " t"] | None,
    flags: Mapping[int, Sequence[str]] | None = None,
) -> pa.Table:
    """Return the table of frames, one row for every frame of the experiment.

    ``flags`` maps a frame's place in the experiment to what is to be said of it;
    ``coverage`` is the fraction of the frame's pixels (``shape``) that bodies cover.
    """
    frames = len(source_frame)
    place = np.searchsorted(source_frame, particles["frame"].to_numpy())
    count = np.bincount(place, minlength=frames)
    area = np.bincount(place, particles["area_px"].to_numpy(), frames)
    diameter = np.bincount(place, particles["equivalent_diameter_px"].to_numpy(), frames)
    columns: dict[str, Any] = {
        "frame": np.arange(frames),
        "drift_y_px": drift_px[:, 0],
        "drift_x_px": drift_px[:, 1],
        "particles": count,
        "coverage": area / (shape[0] * shape[1]),
        "mean_equivalent_diameter_px": pa.array(diameter / np.maximum(count, 1), mask=count == 0),
        "flags": [list((flags or {}).get(index, ())) for index in range(frames)],
    }
    return _table("frames", _dated(columns, source_frame, time_s), calibration)


def edges(particles: pa.Table, events: pa.Table) -> Int[np.ndarray, "m 2"]:
    """Return the links between particles, (source, target) ids in ascending order.

    Each particle is linked to the next appearance of its track, and the last particle of
    every parent of a merge or split to the first of every child: a merge has in-degree 2.
    """
    particle, track, frame = (particles[name].to_numpy() for name in ("particle", "track", "frame"))
    order = np.lexsort((frame, track))
    particle, track = particle[order], track[order]
    same = track[1:] == track[:-1]
    along = np.stack([particle[:-1][same], particle[1:][same]], axis=1)
    parents, children = _pairs(events)
    known = np.isin(parents, track) & np.isin(children, track)
    last = np.searchsorted(track, parents[known], side="right") - 1
    first = np.searchsorted(track, children[known])
    across = np.stack([particle[last], particle[first]], axis=1)
    return np.unique(np.concatenate([along, across]).astype(np.int64), axis=0)


def _table(name: str, columns: Mapping[str, Any], calibration: Calibration) -> pa.Table:
    """Order the columns as the schema has them and add their calibrated twins."""
    pixel = calibration.pixel_size_nm
    schema = table_schema(name, calibrated=pixel is not None)
    columns = dict(columns)
    for column in list(columns):
        twin = nm_twin(column)
        if pixel is not None and twin:
            columns[twin] = _scaled(columns[column], pixel**2 if column == "area_px" else pixel)
    return pa.table(
        [
            pa.array(columns[field.name], field.type)
            if not isinstance(columns[field.name], pa.Array)
            else columns[field.name].cast(field.type)
            for field in schema
        ],
        schema=schema,
    )


def _scaled(values: Any, factor: float) -> Any:
    if isinstance(values, pa.Array):
        mask = values.is_null().to_numpy(zero_copy_only=False)
        return pa.array(values.to_numpy(zero_copy_only=False) * factor, mask=mask)
    return np.asarray(values, np.float64) * factor


def _dated(columns: Mapping[str, Any], source_frame: np.ndarray, time_s: np.ndarray | None) -> dict[str, Any]:
    frame = columns["frame"]
    time = pa.nulls(len(frame), pa.float64()) if time_s is None else time_s[frame]
    return {**columns, "frame": source_frame[frame], "time_s": time}


def _positions(particles: pa.Table, frames: pa.Table) -> Float[np.ndarray, "n 2"]:
    """Return where each particle lies on the specimen (y, x): drift taken off."""
    place = np.searchsorted(frames["frame"].to_numpy(), particles["frame"].to_numpy())
    return np.stack(
        [
            particles[f"{axis}_px"].to_numpy() - frames[f"drift_{axis}_px"].to_numpy()[place]
            for axis in ("y", "x")
        ],
        axis=1,
    )


def _sums(values: np.ndarray, first: np.ndarray) -> np.ndarray:
    return np.add.reduceat(values, first) if len(first) else np.empty(0)


def _pairs(events: pa.Table) -> tuple[Int[np.ndarray, " n"], Int[np.ndarray, " n"]]:
    """Return every (parent, child) of the merges and splits."""
    lists: Iterable[Any] = zip(events["parents"].to_pylist(), events["children"].to_pylist(), strict=True)
    pairs = [(parent, child) for parents, children in lists for parent in parents for child in children]
    table = np.array(pairs, np.int64).reshape(-1, 2)
    return table[:, 0], table[:, 1]


def _relatives(events: pa.Table, ids: np.ndarray, *, of: str, are: str) -> list[list[int]]:
    found: dict[int, set[int]] = {}
    parents, children = _pairs(events)
    columns = {"parents": parents.tolist(), "children": children.tolist()}
    for one, other in zip(columns[of], columns[are], strict=True):
        found.setdefault(one, set()).add(other)
    return [sorted(found.get(track, ())) for track in ids.tolist()]


def _border_members(events: pa.Table, kind: str, side: str) -> list[int]:
    rows: Iterable[Any] = zip(
        events["kind"].to_pylist(), events["at_border"].to_pylist(), events[side].to_pylist(), strict=True
    )
    return [track for name, border, members in rows if name == kind and border for track in members]
