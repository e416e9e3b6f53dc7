"""OME-Zarr 0.4 (Zarr v2) and 0.5 (Zarr v3), by path or URL; graticule's experiments are such.

Axes t y x, or y x, and any further axis of length 1. Level 0 of the pyramid is read.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import zarr
from jaxtyping import Num

from graticule.core.errors import InputError
from graticule.core.movie import Movie
from graticule.io import places
from graticule.io.grey import grey_type, native
from graticule.io.handle import Handle
from graticule.io.opened import FrameSource, OpenedMovie
from graticule.io.scale import Scale, calibrate
from graticule.storage.codecs import open_array
from graticule.storage.place import Place

_OLD_AXES = "tczyx"
"""Axes of OME-Zarr 0.1 and 0.2, which do not name them."""


def open_ome_zarr(path: str) -> Movie:
    """Open an OME-Zarr image as a movie.

    Raises:
        InputError: If there is no image, or it has more than one channel or slice.
    """
    with places.decoding(path, "give the folder of an OME-Zarr image"):
        group, inner = _image_group(path)
        image = _multiscales(group)[0]
        level = image["datasets"][0]["path"]
        key = f"{inner}/{level}" if inner else level
        array = _open(path, key)
        axes = _axes(image, array.ndim)
    letters = [axis["name"] for axis in axes]
    frames = _frame_count(path, letters, array.shape)
    calibration, refused = calibrate(*_scales(image, axes))
    return OpenedMovie(
        name=places.stem(path),
        files=(path, places.joined(path, key)),
        shape=(frames, array.shape[-2], array.shape[-1]),
        dtype=grey_type(array.dtype, where=path),
        calibration=calibration,
        notes=refused,
        frames=ZarrFrames(path, key, letters),
        run_hint=_chunk_frames(array, letters),
    )


def _image_group(path: str) -> tuple[zarr.Group, str]:
    try:
        root = zarr.open_group(Place.at(path).zarr_store(), mode="r")
    except (FileNotFoundError, zarr.errors.ContainsArrayError, zarr.errors.NodeTypeValidationError) as error:
        raise _no_image(path, "it is no Zarr group") from error
    if _multiscales(root):
        return root, ""
    inner = [name for name, group in sorted(root.groups()) if name.isdigit() and _multiscales(group)]
    if len(inner) != 1:
        raise _no_image(path, f"it holds {len(inner)} images" if inner else 'it has no "multiscales"')
    found = root[inner[0]]
    assert isinstance(found, zarr.Group)
    return found, inner[0]


def _multiscales(group: zarr.Group) -> Sequence[Mapping[str, Any]]:
    attributes: Mapping[str, Any] = group.attrs.asdict()
    found = attributes.get("ome", attributes).get("multiscales", ())
    return found if isinstance(found, list) else ()


def _open(path: str, key: str) -> zarr.Array:
    store = Place.at(path).zarr_store()
    try:
        return open_array(store, key)  # zarr v3, with the fastest codecs its store allows
    except FileNotFoundError:
        return zarr.open_array(store, path=key, mode="r")


def _axes(image: Mapping[str, Any], ndim: int) -> list[Mapping[str, Any]]:
    axes = image.get("axes") or list(_OLD_AXES[-ndim:])
    named = [{"name": axis} if isinstance(axis, str) else axis for axis in axes]
    if len(named) != ndim:
        raise ValueError(f"{len(named)} axes named for {ndim} dimensions")
    return named


def _frame_count(path: str, letters: Sequence[str], shape: Sequence[int]) -> int:
    if list(letters[-2:]) != ["y", "x"]:
        raise _no_image(path, f"its axes are {' '.join(letters)}, which do not end in y x")
    leading = dict(zip(letters[:-2], shape[:-2], strict=True))
    frames = leading.pop("t", 1)
    long = {axis: length for axis, length in leading.items() if length > 1}
    if long:
        sizes = ", ".join(f"{axis} = {length}" for axis, length in long.items())
        raise InputError(f"{path} has more than time to walk through ({sizes}); export one channel or slice")
    return frames


def _scales(
    image: Mapping[str, Any], axes: Sequence[Mapping[str, Any]]
) -> tuple[Scale | None, Scale | None, Scale | None]:
    factors = np.ones(len(axes))
    stated = False
    for transforms in (
        image["datasets"][0].get("coordinateTransformations"),
        image.get("coordinateTransformations"),
    ):
        for transform in transforms or ():
            if transform.get("type") == "scale" and "scale" in transform:
                factors, stated = factors * np.asarray(transform["scale"], float), True
    scales = {
        axis["name"]: Scale(value=float(factor), unit=axis.get("unit"))
        for axis, factor in zip(axes, factors, strict=True)
        if stated
    }
    # OME-Zarr must have a scale: 1 without a unit is how it says that none is known.
    known = {name: scale for name, scale in scales.items() if scale.unit or scale.value != 1}
    return known.get("y"), known.get("x"), known.get("t")


def _chunk_frames(array: zarr.Array, letters: Sequence[str]) -> int:
    if "t" not in letters:
        return 1
    return int((array.shards or array.chunks)[list(letters).index("t")])


class ZarrFrames(FrameSource):
    """Frames of a Zarr array, one index for each axis that is not t, y or x."""

    def __init__(self, path: str, key: str, letters: Sequence[str]) -> None:
        self._path, self._letters = path, tuple(letters)
        self._array: Handle[zarr.Array] = Handle(_open, path, key)

    def read(self, start: int, stop: int) -> Num[np.ndarray, "t y x"]:
        """Return frames [start, stop)."""
        index = tuple(
            slice(start, stop) if letter == "t" else slice(None) if letter in "yx" else 0
            for letter in self._letters
        )
        with places.decoding(self._path, "write it again"), self._array.use() as array:
            frames = np.asarray(array[index])
        return native(frames if "t" in self._letters else frames[None])


def _no_image(path: str, why: str) -> InputError:
    return InputError(f"{path} is no OME-Zarr image: {why}; give the folder of one image")
