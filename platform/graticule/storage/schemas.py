"""Columns of an experiment's tables.

``frame`` counts from 0 in the source movie; ``y_px, x_px`` are pixel centres in the
experiment's image, not corrected for drift. A ``_px`` length has an ``_nm`` twin and
``area_px`` (a count of pixels) has ``area_nm2``; the twins exist only when the pixel size
is known.
"""

import pyarrow as pa

_IDS = pa.list_(pa.int64())

_Columns = list[tuple[str, pa.DataType]]

_PARTICLES: _Columns = [
    ("particle", pa.int64()),  # unique; the node's id in tracks.geff
    ("frame", pa.int64()),
    ("time_s", pa.float64()),
    ("label", pa.uint32()),  # of the largest piece, in labels/instances
    ("pieces", pa.int64()),  # instances of labels/instances joined in this body
    ("track", pa.int64()),
    ("y_px", pa.float64()),
    ("x_px", pa.float64()),
    ("area_px", pa.int64()),
    ("equivalent_diameter_px", pa.float64()),
    ("major_axis_px", pa.float64()),
    ("minor_axis_px", pa.float64()),
    ("perimeter_px", pa.float64()),
    ("eccentricity", pa.float64()),
    ("orientation_rad", pa.float64()),
    ("solidity", pa.float64()),
    ("mean_intensity", pa.float64()),
    ("touches_border", pa.bool_()),
]
_TRACKS: _Columns = [
    ("track", pa.int64()),
    ("first_frame", pa.int64()),
    ("last_frame", pa.int64()),
    ("frames_seen", pa.int64()),
    ("parents", _IDS),
    ("children", _IDS),
    ("starts_at_border", pa.bool_()),
    ("ends_at_border", pa.bool_()),
    ("mean_equivalent_diameter_px", pa.float64()),
    ("path_length_px", pa.float64()),  # summed steps, drift removed
]
_EVENTS: _Columns = [
    ("event", pa.int64()),
    ("kind", pa.string()),
    ("frame", pa.int64()),
    ("time_s", pa.float64()),
    ("parents", _IDS),
    ("children", _IDS),
    ("y_px", pa.float64()),
    ("x_px", pa.float64()),
    ("at_border", pa.bool_()),
    ("confidence", pa.float64()),
]
_FRAMES: _Columns = [
    ("frame", pa.int64()),
    ("time_s", pa.float64()),
    ("drift_y_px", pa.float64()),
    ("drift_x_px", pa.float64()),
    ("particles", pa.int64()),
    ("coverage", pa.float64()),
    ("mean_equivalent_diameter_px", pa.float64()),
    ("flags", pa.list_(pa.string())),
]
_TABLES = {"particles": _PARTICLES, "tracks": _TRACKS, "events": _EVENTS, "frames": _FRAMES}

TABLES = tuple(_TABLES)


def nm_twin(column: str) -> str | None:
    """Return the calibrated twin's name of a column, ``None`` where it has none."""
    if column == "area_px":
        return "area_nm2"
    return f"{column[:-3]}_nm" if column.endswith("_px") else None


def table_schema(name: str, *, calibrated: bool) -> pa.Schema:
    """Return the schema of one of :data:`TABLES`, with nm twins at its end when calibrated."""
    fields = [pa.field(column, kind) for column, kind in _TABLES[name]]
    if calibrated:
        twins = [nm_twin(column) for column, _ in _TABLES[name]]
        fields += [pa.field(twin, pa.float64()) for twin in twins if twin]
    return pa.schema(fields)
