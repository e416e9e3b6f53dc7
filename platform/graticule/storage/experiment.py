"""Everything about one movie on disk: image, labels, tables, graph and runs, in open formats.

The root is an OME-Zarr 0.5 group (Zarr v3) whose attribute "graticule" makes it an
experiment. A shard (``shard_frames`` whole frames) has one writer.
"""

import os
from contextlib import AbstractContextManager, suppress
from typing import IO, Any, final

import numpy as np
import pyarrow as pa
from jaxtyping import Int, Num, UInt32
from pydantic import ValidationError

from graticule.core.calibration import Calibration
from graticule.core.errors import ExperimentError
from graticule.core.window import Box
from graticule.storage import layout, pyramid
from graticule.storage.attributes import Attributes
from graticule.storage.failures import storage_errors
from graticule.storage.images import Images, group_attributes
from graticule.storage.layout import LabelKind, Pixels
from graticule.storage.place import Place
from graticule.storage.run import Run
from graticule.storage.tables import table_bytes, table_from

_CHUNK_FOLDERS = frozenset({"c", layout.MARKS})


@final
class Experiment:
    """An experiment at a local path or URL; pickles as its root and attributes.

    Get one from :meth:`create` or :meth:`open`. Frames are indexed from 0 within the
    experiment; :meth:`source_frame` gives their number in the source movie.
    """

    def __init__(self, place: Place, attributes: Attributes) -> None:
        self.place = place
        self.attributes = attributes
        self._images = Images(place, attributes)

    def __reduce__(self) -> tuple[type["Experiment"], tuple[Place, Attributes]]:
        return Experiment, (self.place, self.attributes)

    def __repr__(self) -> str:
        return f"Experiment({self.root!r})"

    @classmethod
    def create(
        cls,
        root: str,
        *,
        name: str,
        shape: tuple[int, int, int],
        dtype: np.dtype | type | str,
        calibration: Calibration,
        first_frame: int = 0,
        frame_step: int = 1,
        crop_origin: tuple[int, int] = (0, 0),
        beside_others: bool = False,
    ) -> "Experiment":
        """Make an experiment with an empty image, or open the same one to go on with it.

        Args:
            root: Local path or URL: not there, an empty folder, or this experiment.
            name: What the movie is called.
            shape: Frames, height, width.
            dtype: Type of the pixels.
            calibration: Pixel size, and interval between frames of the experiment.
            first_frame: Number, in the source movie, of frame 0.
            frame_step: Source frames from one frame to the next.
            crop_origin: Row and column, in the source movie, of the top-left pixel.
            beside_others: Allow a folder with other files; what bears a name of the layout
                is replaced, the rest stays.

        Raises:
            ExperimentError: If something else, or an experiment of other values, lies there.
            StorageError: If the place cannot be written.
        """
        attributes = Attributes(
            name=name,
            shape=shape,
            dtype=np.dtype(dtype).name,
            pixel_size_nm=calibration.pixel_size_nm,
            frame_interval_s=calibration.frame_interval_s,
            first_frame=first_frame,
            frame_step=frame_step,
            crop_origin=crop_origin,
        )
        if cls.is_vacant(root) or (beside_others and not cls.exists(root)):
            made = cls(Place.at(root), attributes)
            made._remove_own()
        else:
            made = cls.open(root)
            difference = made.attributes.difference(attributes)
            if difference is not None:
                raise ExperimentError(
                    f"{made.root}: an experiment of another input lies here ({difference}); "
                    "use --overwrite or another --out"
                )
            made.place.sweep(skip=_CHUNK_FOLDERS)
        made._images.create("image")
        return made

    @classmethod
    def open(cls, root: str) -> "Experiment":
        """Open what is there.

        Raises:
            ExperimentError: If nothing, or no experiment, lies there.
        """
        place = Place.at(root)
        stored = _attributes(place)
        if stored is None:
            what = "nothing is here" if cls.is_vacant(root) else "this is no graticule experiment"
            raise ExperimentError(
                f"{place.root}: {what}; "
                "make one with `graticule ingest INPUT --out EXP`, or choose another path"
            )
        try:
            return cls(place, Attributes.model_validate(stored))
        except ValidationError as error:
            field = ".".join(str(part) for part in error.errors()[0]["loc"])
            raise ExperimentError(
                f"{place.root}: the experiment's attribute {field!r} is not understood; "
                "it was written by another version of graticule, ingest the movie again"
            ) from error

    @staticmethod
    def exists(root: str) -> bool:
        """Return whether a graticule experiment lies there."""
        return _attributes(Place.at(root)) is not None

    @staticmethod
    def is_vacant(root: str) -> bool:
        """Return whether nothing is there, or an empty folder."""
        place = Place.at(root)
        return not place.is_file() and not place.names()

    @property
    def root(self) -> str:
        """Absolute path or URL."""
        return self.place.root

    @property
    def name(self) -> str:
        """What the movie is called."""
        return self.attributes.name

    @property
    def shape(self) -> tuple[int, int, int]:
        """Frames, height, width."""
        return self.attributes.shape

    @property
    def dtype(self) -> np.dtype:
        """Type of the image's pixels."""
        return self.attributes.numpy_dtype

    @property
    def calibration(self) -> Calibration:
        """Pixel size, and interval between frames of the experiment."""
        return self.attributes.calibration

    @property
    def first_frame(self) -> int:
        """Number, in the source movie, of frame 0."""
        return self.attributes.first_frame

    @property
    def frame_step(self) -> int:
        """Source frames from one frame to the next."""
        return self.attributes.frame_step

    @property
    def crop_origin(self) -> tuple[int, int]:
        """Row and column, in the source movie, of the top-left pixel."""
        return self.attributes.crop_origin

    @property
    def shard_frames(self) -> int:
        """Frames per shard of image and labels: the unit that one writer owns."""
        return self._images.shard_frames

    def source_frame(self, index: int) -> int:
        """Return the number, in the source movie, of a frame."""
        return self.attributes.source_frame(index)

    def time_s(self, index: int) -> float | None:
        """Return a frame's time since frame 0 of the source movie, ``None`` if unknown."""
        return self.attributes.time_s(index)

    def read_image(
        self, start: int, stop: int, box: Box | None = None, *, level: int = 0
    ) -> Num[np.ndarray, "t y x"]:
        """Return frames [start, stop) of the image, all of them or a box of the level's pixels.

        Raises:
            IndexError: If frames or box leave the movie.
            StorageError: If a chunk cannot be read.
        """
        return self._images.read("image", start, stop, box, level=level)

    def write_image(self, start: int, frames: Num[np.ndarray, "t y x"]) -> None:
        """Write whole shards of frames; ``start`` is a multiple of ``shard_frames``.

        Raises:
            ValueError: If the frames are not whole shards, or not of this shape and type.
            StorageError: If the place is full, read-only or not reachable.
        """
        self._images.write("image", start, frames)

    def create_labels(self, kind: LabelKind) -> None:
        """Make an empty label image beside the image; nothing happens where it is."""
        self._images.create(kind)

    def read_labels(
        self, kind: LabelKind, start: int, stop: int, box: Box | None = None, *, level: int = 0
    ) -> UInt32[np.ndarray, "t y x"]:
        """Return labels of frames [start, stop); see :meth:`read_image`."""
        return self._images.read(kind, start, stop, box, level=level)

    def write_labels(self, kind: LabelKind, start: int, labels: UInt32[np.ndarray, "t y x"]) -> None:
        """Write whole shards of labels; see :meth:`write_image`."""
        self._images.write(kind, start, labels)

    def levels(self, which: Pixels) -> int:
        """Return how many whole pyramid levels there are; 0 where there is no such image."""
        return self._images.levels(which)

    def build_pyramid(self, which: Pixels, *, scheduler: pyramid.Scheduler | None = None) -> None:
        """Write coarser levels until the larger edge is at most 256; listed ones are whole.

        The image by means, labels by their most frequent value. Nothing happens where all
        levels are listed: :meth:`remove` them to build them anew.

        Args:
            which: Image or label image; all its frames are written.
            scheduler: A dask ``get``; ``None`` takes two threads.
        """
        self._images.build_pyramid(which, scheduler=scheduler)

    def read_table(self, name: str) -> pa.Table:
        """Return one of the tables of ``schemas``.

        Raises:
            ExperimentError: If it is not there yet.
        """
        content = self.place.read(layout.table(name))
        if content is None:
            raise self._missing(layout.table(name))
        return table_from(content)

    def write_table(self, name: str, table: pa.Table) -> None:
        """Write a table whole.

        Raises:
            ValueError: If it does not have the columns of ``schemas``.
        """
        calibrated = self.calibration.pixel_size_nm is not None
        self.place.write(layout.table(name), table_bytes(name, table, calibrated=calibrated))

    def write_graph(self, *, nodes: pa.Table, edges: Int[np.ndarray, "m 2"]) -> None:
        """Write who became whom: particles, and links from source to target particle.

        Raises:
            ValueError: If an edge names no particle.
        """
        from graticule.storage.graph import write_geff

        with storage_errors(self.root):
            # Without its metadata nobody takes what is left, or what is begun, for a graph.
            self.place.remove(f"{layout.GRAPH}/{layout.METADATA}")
            self.place.remove(layout.GRAPH)
            write_geff(Place.at(self.path(layout.GRAPH)), self.attributes, nodes=nodes, edges=edges)

    def read_graph(self) -> tuple[dict[str, np.ndarray], Int[np.ndarray, "m 2"]]:
        """Return nodes (arrays ``particle, t, y, x, track, area``) and edges of the graph.

        Raises:
            ExperimentError: If there is no whole graph.
        """
        from graticule.storage.graph import read_geff

        if "geff" not in group_attributes(self.place, layout.GRAPH):
            raise self._missing(layout.GRAPH)
        with storage_errors(self.path(layout.GRAPH)):
            return read_geff(Place.at(self.path(layout.GRAPH)))

    def run(self, run_id: str) -> Run:
        """Return a run, started or not."""
        return Run(self.place, run_id)

    def runs(self) -> list[str]:
        """Return the ids of all runs."""
        return self.place.names(layout.RUNS)

    def path(self, *parts: str) -> str:
        """Return the full path or URL of a part of the layout."""
        return self.place.path(*parts)

    def open_file(self, relative: str, mode: str = "rb") -> AbstractContextManager[IO[Any]]:
        """Open a file in a ``with`` block; a written one appears, whole, when the block ends well."""
        return self.place.open(relative, mode)

    def remove(self, *parts: str) -> None:
        """Delete parts of the layout, as "labels/instances", "tables" or pyramid level "1".

        Raises:
            ValueError: If a part is none of the layout's.
        """
        for part in parts:
            if not layout.belongs(part):
                raise ValueError(f"{part!r} is no part of an experiment")
        self._images.forget(parts)
        for part in parts:
            self.place.remove(f"{part}/{layout.METADATA}")
            self.place.remove(part)

    def delete(self) -> None:
        """Delete the whole experiment, and nothing in its folder that is not its own."""
        self._remove_own()
        if self.place.is_local:
            with suppress(OSError):
                os.rmdir(self.root)

    def _remove_own(self) -> None:
        mine = [name for name in self.place.names() if layout.belongs(name)]
        for name in sorted(mine, key=lambda name: name == layout.METADATA):
            self.place.remove(name)

    def _missing(self, part: str) -> ExperimentError:
        return ExperimentError(f"{self.path(part)}: not there yet; run `graticule link {self.root}` first")


def _attributes(place: Place) -> dict[str, Any] | None:
    stored: dict[str, Any] | None = group_attributes(place, "").get(layout.ATTRIBUTES)
    return stored
