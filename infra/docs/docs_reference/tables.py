"""Columns of the tables, from their schema; each must have its meaning here, and no other may."""

from typing import Any

from docs_reference.markdown import code, table
from graticule.storage.schemas import TABLES, nm_twin, table_schema

SHARED = {
    "frame": "counts from 0 in the source movie, also where only some frames were taken",
    "time_s": "null where the frame interval is unknown",
    "y_px": "centre, row; pixel centres of the experiment's image, not corrected for drift",
    "x_px": "centre, column",
    "parents": "tracks that it comes from; empty, never null",
    "children": "tracks that come from it; empty, never null",
}
MEANINGS: dict[str, dict[str, str]] = {
    "particles": {
        "particle": "number of the row, unique; the node's id in `tracks.geff`",
        "label": "its number in `labels/instances`, of the largest piece; 0: carried by the tracker",
        "pieces": "instances of `labels/instances` that were joined to this body; 0: carried by the tracker",
        "track": "its identity; its number in `labels/tracks`",
        "area_px": "number of its pixels",
        "equivalent_diameter_px": "of the disc of the same area",
        "major_axis_px": "of the ellipse with the same second moments",
        "minor_axis_px": "of that ellipse",
        "perimeter_px": "length of its outline",
        "eccentricity": "of that ellipse: 0 is a disc, near 1 a needle",
        "orientation_rad": "of the major axis",
        "solidity": "area over the area of the convex hull",
        "mean_intensity": "mean grey level of its pixels",
        "touches_border": "whether it touches the edge of the frame: sizes are then too small",
    },
    "tracks": {
        "track": "the identity",
        "first_frame": "first frame in which it is seen",
        "last_frame": "last frame in which it is seen",
        "frames_seen": "in how many frames; fewer than last − first + 1 where there are gaps",
        "starts_at_border": "whether it comes in over the edge",
        "ends_at_border": "whether it leaves over the edge",
        "mean_equivalent_diameter_px": "mean over the frames in which it is seen",
        "path_length_px": "summed steps, the drift taken out",
    },
    "events": {
        "event": "number of the row, unique",
        "kind": "`appear`, `vanish`, `merge` or `split`",
        "frame": "first frame in which the new state is seen; of a merge: of lasting contact",
        "at_border": "whether it happens at the edge of the frame",
        "confidence": "0 to 1; of particles seen once at most 1/3",
    },
    "frames": {
        "drift_y_px": "position of the specimen relative to the first frame, rows",
        "drift_x_px": "the same, columns",
        "particles": "how many are told of in this frame",
        "coverage": "part of the frame that particles cover",
        "mean_equivalent_diameter_px": "mean over the frame's particles",
        "flags": "`blank`, `not finite` or `noise only`, where the segmenter found it so",
    },
}


def columns() -> str:
    """Return a section per table."""
    return "\n\n".join(f"## {name}.parquet\n\n{_table(name)}" for name in TABLES)


def _table(name: str) -> str:
    schema = table_schema(name, calibrated=False)
    unknown = set(MEANINGS[name]) - set(schema.names)
    if unknown:
        raise KeyError(f"{name} has no columns {sorted(unknown)}; take them out of {__name__}")
    rows = [
        (code(field.name), _kind(field.type), _twin(field.name), _meaning(name, field.name))
        for field in schema
    ]
    return table(("column", "type", "twin in nm", "what"), rows)


def _meaning(name: str, column: str) -> str:
    return MEANINGS[name].get(column) or SHARED[column]


def _kind(kind: Any) -> str:
    return (
        str(kind).replace("list<item: ", "list of ").replace("list<element: ", "list of ").removesuffix(">")
    )


def _twin(column: str) -> str:
    twin = nm_twin(column)
    return code(twin) if twin else ""
