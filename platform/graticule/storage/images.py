"""The pixels of an experiment: the image and its label images, each a pyramid of arrays.

Level 0 is written shard by shard, by whoever owns the shard. Coarser levels are listed in
the metadata only when all of them are whole.
"""

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Any, final

import numpy as np
import zarr
from jaxtyping import Num

from graticule.core.errors import ExperimentError
from graticule.core.window import Box, whole
from graticule.storage import codecs, layout, ome, pyramid
from graticule.storage.attributes import Attributes
from graticule.storage.failures import storage_errors
from graticule.storage.layout import Pixels
from graticule.storage.place import Place

_LABEL_DTYPE = np.dtype(np.uint32)
_SAMPLED_FRAMES = 32


@final
class Images:
    """Image and label pyramids below one root; pickles as place and attributes."""

    def __init__(self, place: Place, attributes: Attributes) -> None:
        self.place = place
        self.attributes = attributes
        self.shard_frames = codecs.shard_frames(attributes.shape)
        self.level_shapes = pyramid.level_shapes(attributes.shape)
        self._arrays: dict[tuple[str, bool], zarr.Array] = {}

    def __reduce__(self) -> tuple[type["Images"], tuple[Place, Attributes]]:
        return Images, (self.place, self.attributes)

    def create(self, which: Pixels) -> None:
        """Make an empty level 0 with its metadata; what is there already stays as it is."""
        if which == "image" and not self.levels(which):
            self._describe(which, levels=1)  # the root's attributes come first: they claim the folder
        self._create_array(which, 0)
        if not self.levels(which):
            self._describe(which, levels=1)

    def levels(self, which: Pixels) -> int:
        """Return how many whole levels there are; 0 where there is no such image."""
        multiscales = self._ome(which).get("multiscales")
        return len(multiscales[0]["datasets"]) if multiscales else 0

    def read(
        self, which: Pixels, start: int, stop: int, box: Box | None = None, *, level: int = 0
    ) -> Num[np.ndarray, "t y x"]:
        """Return frames [start, stop), all of them or a box of the level's pixels.

        Raises:
            IndexError: If frames or box leave the array.
            StorageError: If there is no such array, or a chunk cannot be read.
        """
        path = layout.level(which, level)
        with storage_errors(self.place.path(path)):
            array = self._array(which, level)
            _, height, width = self.level_shapes[level]
            spans = (slice(start, stop), *(box or whole((height, width))))
            for span, size in zip(spans, array.shape, strict=True):
                if not 0 <= span.start <= span.stop <= size:
                    raise IndexError(f"{span.start}:{span.stop} of {size} in {path}")
            return np.asarray(array[spans])

    def write(self, which: Pixels, start: int, pixels: Num[np.ndarray, "t y x"], *, level: int = 0) -> None:
        """Write whole shards; ``start`` is a multiple of ``shard_frames``.

        Raises:
            ValueError: If the pixels are not whole shards, or not of this shape and type.
            StorageError: If the place is full, read-only or not reachable.
        """
        self._check(which, start, pixels, level)
        with storage_errors(self.place.root):
            self._drop_shards(which, start, start + len(pixels), level)
            self._array(which, level, write=True)[start : start + len(pixels)] = pixels

    def build_pyramid(self, which: Pixels, *, scheduler: pyramid.Scheduler | None) -> None:
        """Write the coarser levels, then list them; nothing happens where they are listed."""
        count = len(self.level_shapes)
        if self.levels(which) == count and (which != "image" or "omero" in self._ome(which)):
            return
        for number in range(1, count):
            self._create_array(which, number)
        if count > 1:
            starts = range(0, self.attributes.shape[0], self.shard_frames)
            pyramid.build_levels(starts, partial(_write_levels, self, which), scheduler=scheduler)
        self._describe(which, levels=count, omero=self._rendering() if which == "image" else None)

    def forget(self, parts: Sequence[str]) -> None:
        """Take parts that are about to be deleted out of the metadata."""
        self._arrays.clear()
        if any(part.isdigit() for part in parts) and self.levels("image") > 1:
            self._describe("image", levels=1)
        gone = [kind for kind in layout.LABEL_KINDS if layout.multiscale(kind) in parts]
        if gone:
            self._list_labels(without=gone)

    def _array(self, which: Pixels, level: int, *, write: bool = False) -> zarr.Array:
        path = layout.level(which, level)
        if (path, write) not in self._arrays:
            if write:
                self.place.within(path)
            try:
                self._arrays[path, write] = codecs.open_array(self.place.zarr_store(), path, write=write)
            except FileNotFoundError:
                raise ExperimentError(
                    f"{self.place.path(path)}: not there yet; run the stage that writes it first"
                ) from None
        return self._arrays[path, write]

    def _create_array(self, which: Pixels, level: int) -> None:
        with storage_errors(self.place.root):
            self.place.within(layout.level(which, level))
            codecs.create_array(
                self.place.zarr_store(),
                layout.level(which, level),
                shape=self.level_shapes[level],
                dtype=self._dtype(which),
                frames=self.shard_frames,
            )

    def _dtype(self, which: Pixels) -> np.dtype:
        return self.attributes.numpy_dtype if which == "image" else _LABEL_DTYPE

    def _check(self, which: Pixels, start: int, pixels: np.ndarray, level: int) -> None:
        path, shape, per_shard = layout.level(which, level), self.level_shapes[level], self.shard_frames
        stop = start + len(pixels)
        aligned = start % per_shard == 0 and (stop % per_shard == 0 or stop == shape[0])
        if not aligned or not 0 <= start <= stop <= shape[0] or pixels.shape[1:] != shape[1:]:
            raise ValueError(
                f"{path}: {pixels.shape} at frame {start} are not whole shards "
                f"of {per_shard} frames in {shape}"
            )
        if pixels.dtype != self._dtype(which):
            raise ValueError(f"{path}: pixels are {pixels.dtype}, expected {self._dtype(which)}")

    def _drop_shards(self, which: Pixels, start: int, stop: int, level: int) -> None:
        # A shard cut short by a killed writer cannot be decoded, and a shard that reaches
        # over the array's end is decoded before it is written again. Objects are put whole.
        if not self.place.is_local:
            return
        folder = self.place.path(layout.level(which, level), "c")
        for shard in range(start // self.shard_frames, -(-stop // self.shard_frames)):
            with suppress(FileNotFoundError):
                os.unlink(f"{folder}/{shard}/0/0")

    def _ome(self, which: Pixels) -> dict[str, Any]:
        ome_attributes: dict[str, Any] = group_attributes(self.place, layout.multiscale(which)).get("ome", {})
        return ome_attributes

    def _describe(self, which: Pixels, *, levels: int, omero: dict[str, Any] | None = None) -> None:
        if which == "image":
            document: dict[str, Any] = {
                "ome": ome.image_metadata(self.attributes, levels=levels, omero=omero),
                layout.ATTRIBUTES: self.attributes.model_dump(mode="json"),
            }
        else:
            document = {"ome": ome.label_metadata(self.attributes, levels=levels)}
        self._write_group(layout.multiscale(which), document)
        self._list_labels()

    def _rendering(self) -> dict[str, Any]:
        level, frames = len(self.level_shapes) - 1, self.attributes.shape[0]
        indices = np.unique(np.linspace(0, frames - 1, _SAMPLED_FRAMES).astype(int)).tolist()
        return ome.rendering(np.concatenate([self.read("image", i, i + 1, level=level) for i in indices]))

    def _list_labels(self, *, without: Sequence[str] = ()) -> None:
        # The specification wants as many levels in a label image as in its image: until
        # both pyramids are built a label image is there but not listed.
        kinds = [kind for kind in layout.LABEL_KINDS if kind not in without and self.levels(kind)]
        if not kinds and self.place.read(f"{layout.LABELS}/{layout.METADATA}") is None:
            return
        depth = self.levels("image")
        listed: list[str] = [kind for kind in kinds if self.levels(kind) == depth]
        self._write_group(layout.LABELS, {"ome": ome.labels_metadata(listed)})

    def _write_group(self, group: str, document: dict[str, Any]) -> None:
        self.place.write(_metadata_path(group), ome.group_json(document))


def group_attributes(place: Place, group: str) -> dict[str, Any]:
    """Return the attributes of a zarr group ("" is the root); empty where there is none."""
    content = place.read(_metadata_path(group))
    if content is None:
        return {}
    try:
        attributes: dict[str, Any] = json.loads(content).get("attributes", {})
    except (ValueError, AttributeError):
        return {}
    return attributes


def _metadata_path(group: str) -> str:
    return f"{group}/{layout.METADATA}" if group else layout.METADATA


def _write_levels(images: Images, which: Pixels, start: int) -> int:
    """Write one shard of every coarser level, from one read of the full resolution."""
    stop = min(start + images.shard_frames, images.attributes.shape[0])
    pixels = images.read(which, start, stop)
    for level in range(1, len(images.level_shapes)):
        pixels = pyramid.halve_image(pixels) if which == "image" else pyramid.halve_labels(pixels)
        images.write(which, start, pixels, level=level)
    return stop
