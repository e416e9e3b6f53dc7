"""Who became whom, as a GEFF graph: nodes are particles, edges point forward in time.

``t`` counts frames of the source movie, ``y`` and ``x`` are pixels; the axes carry the
scale to seconds and nanometers where it is known. Source: GEFF specification 1.x,
live-image-tracking-tools.github.io/geff.
"""

import warnings
from typing import Any

import numpy as np
import pyarrow as pa
from geff import GeffMetadata
from geff.core_io._base_read import read_to_memory
from geff.core_io._base_write import write_arrays
from geff_spec import Axis, RelatedObject  # type: ignore[import-untyped]
from jaxtyping import Int

from graticule.storage.attributes import Attributes
from graticule.storage.codecs import plain_codecs
from graticule.storage.place import Place

_PROPERTIES = {"t": "frame", "y": "y_px", "x": "x_px", "track": "track", "area": "area_px"}


def write_geff(place: Place, about: Attributes, *, nodes: pa.Table, edges: Int[np.ndarray, "m 2"]) -> None:
    """Write a graph into an empty place; its metadata comes last and makes it readable.

    Raises:
        ValueError: If an edge names no node, or node ids are not unique.
    """
    ids = nodes["particle"].to_numpy().astype(np.uint64)
    _check(ids, edges)
    values: dict[str, Any] = {
        name: {"values": nodes[column].to_numpy(), "missing": None} for name, column in _PROPERTIES.items()
    }
    # Given a store, geff looks for a graph by making a Zarr v2 group; given a path it looks.
    target = place.root if place.is_local else place.zarr_store()
    with plain_codecs(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Both zarr.json", category=UserWarning)
        write_arrays(target, ids, values, edges.astype(np.uint64), {}, _metadata(about), zarr_format=3)
    for left in (".zgroup", ".zattrs"):
        place.remove(left)


def read_geff(place: Place) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return nodes (``particle`` and the properties by name) and edges (m, 2), int64.

    Raises:
        ValueError: If there is no whole graph.
    """
    graph = read_to_memory(place.zarr_store())
    nodes = {name: np.asarray(values["values"]) for name, values in graph["node_props"].items()}
    nodes["particle"] = np.asarray(graph["node_ids"]).astype(np.int64)
    return nodes, np.asarray(graph["edge_ids"]).astype(np.int64).reshape(-1, 2)


def _check(ids: np.ndarray, edges: np.ndarray) -> None:
    if len(np.unique(ids)) != len(ids):
        raise ValueError("node ids are not unique")
    strangers = edges[~np.isin(edges, ids.astype(np.int64)).all(axis=1)]
    if len(strangers):
        raise ValueError(f"edge {strangers[0].tolist()} names a particle that is no node")


def _metadata(about: Attributes) -> GeffMetadata:
    return GeffMetadata(
        directed=True,
        axes=_axes(about),
        node_props_metadata={},
        edge_props_metadata={},
        track_node_props={"tracklet": "track"},
        related_objects=[
            RelatedObject(type="labels", path="../labels/tracks", node_prop="track"),
            RelatedObject(type="image", path=".."),
        ],
    )


def _axes(about: Attributes) -> list[Axis]:
    seconds: dict[str, Any] = {}
    if about.frame_interval_s is not None:
        seconds = {"scale": about.frame_interval_s / about.frame_step, "scaled_unit": "second"}
    axes = [Axis(name="t", type="time", unit="frame", **seconds)]
    for name, origin in zip("yx", about.crop_origin, strict=True):
        length: dict[str, Any] = {}
        if about.pixel_size_nm is not None:
            offset = origin * about.pixel_size_nm
            length = {"scale": about.pixel_size_nm, "scaled_unit": "nanometer", "offset": offset}
        axes.append(Axis(name=name, type="space", unit="pixel", **length))
    return axes
