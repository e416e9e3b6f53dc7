"""Where everything of an experiment lies, relative to its root."""

from typing import Literal, get_args

LabelKind = Literal["instances", "tracks"]
Pixels = Literal["image", "instances", "tracks"]

LABEL_KINDS: tuple[LabelKind, ...] = get_args(LabelKind)

METADATA = "zarr.json"
LABELS = "labels"
INSTANCES = "labels/instances"
TRACKS = "labels/tracks"
TABLES = "tables"
GRAPH = "tracks.geff"
RUNS = "runs"
REPORT = "report"

CONFIG = "config.json"
ENVIRONMENT = "environment.json"
MARKS = "marks"
DONE = "done.json"

ATTRIBUTES = "graticule"
"""Key of this project's own attributes, beside "ome", in the root's metadata."""


def multiscale(which: Pixels) -> str:
    """Return the group that holds an image pyramid: "" is the root."""
    return "" if which == "image" else f"{LABELS}/{which}"


def level(which: Pixels, number: int) -> str:
    """Return the array of one pyramid level; 0 is full resolution."""
    group = multiscale(which)
    return f"{group}/{number}" if group else str(number)


def table(name: str) -> str:
    """Return the file of a table."""
    return f"{TABLES}/{name}.parquet"


def run(run_id: str) -> str:
    """Return the folder of a run."""
    return f"{RUNS}/{run_id}"


def belongs(relative: str) -> bool:
    """Return whether a relative path is one that an experiment may hold."""
    first, *rest = relative.split("/")
    inside = first.isdigit() or first in {LABELS, TABLES, GRAPH, RUNS, REPORT, METADATA}
    return inside and ".." not in rest
