"""TIFF, BigTIFF, OME-TIFF and ImageJ stacks, by path or URL.

Uncompressed pages are read straight from where they lie; that needs nothing but their
places, found once at opening. Compressed and tiled ones go through tifffile.
"""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import tifffile
from jaxtyping import Num

from graticule.core.calibration import Calibration
from graticule.core.errors import InputError
from graticule.core.movie import Movie
from graticule.io import places
from graticule.io.grey import cmyk_to_grey, grey_type, native, to_grey
from graticule.io.handle import Handle
from graticule.io.opened import FrameSource, OpenedMovie
from graticule.io.scale import calibrate
from graticule.io.tiff_directory import Page, read_directory
from graticule.io.tiff_scale import Description, describe

_PLAIN_COMPRESSION, _PLANAR = 1, 2
_MIN_IS_WHITE, _MIN_IS_BLACK, _RGB, _PALETTE, _INKS = 0, 1, 2, 3, 5
_COLOURS = (_RGB, _INKS, 6)  # 6: YCbCr, which tifffile decodes to RGB


@dataclass(frozen=True, kw_only=True, slots=True)
class Stack:
    """A TIFF file understood: so many frames, all alike."""

    path: str
    frames: int
    shape: tuple[int, int]
    dtype: np.dtype
    source: FrameSource
    calibration: Calibration
    notes: tuple[str, ...]


def open_tiff(path: str) -> Movie:
    """Open a TIFF file as a movie.

    Raises:
        InputError: If it is damaged or truncated, or holds more than one stack axis.
    """
    stack = read_stack(path)
    return OpenedMovie(
        name=places.stem(path),
        files=(path,),
        shape=(stack.frames, *stack.shape),
        dtype=stack.dtype,
        calibration=stack.calibration,
        notes=stack.notes,
        frames=stack.source,
    )


def read_stack(path: str) -> Stack:
    """Return how a TIFF file's frames can be read. No pixels are read."""
    size = places.size_of(path)
    with places.readable(path), places.open_file(path) as file:
        pages = read_directory(file, path, size=size)
        file.seek(0)
        with places.decoding(path, "copy or export it again"):
            return _stack(path, tifffile.TiffFile(file, name=path, _multifile=False), pages, size)


def _stack(path: str, tif: tifffile.TiffFile, pages: list[Page], size: int) -> Stack:
    first = tif.pages.first
    about = describe(tif, path)
    full = [page for page in pages if not page.is_thumbnail] or pages
    _require_alike(path, full)
    if first.offset != full[0].directory:
        first = tifffile.TiffFrame(tif, 0, offset=full[0].directory).aspage()
    frames = _frame_count(path, about, len(full), size)
    _require_one_axis(path, about)
    calibration, refused = calibrate(about.y, about.x, about.t)
    thumbnails = len(pages) - len(full)
    notes = [f"{thumbnails} thumbnail pages ignored"] if thumbnails else []
    if about.axes.get("Z", 1) > 1 or about.axes.get("C", 1) > 1:
        notes.append("the stack's slices are taken as frames in time")
    if first.photometric == _MIN_IS_WHITE and first.dtype is not None and first.dtype.kind in "bu":
        notes.append("the file stores white as 0; values are inverted")
    if first.samplesperpixel > 2 and first.planarconfig == _PLANAR:
        notes.append(f"{first.samplesperpixel} planes per page are colours; they are taken as one grey frame")
    shape = first.imagelength, first.imagewidth
    return Stack(
        path=path,
        frames=frames,
        shape=shape,
        dtype=_page_type(path, first, is_imagej=tif.is_imagej),
        source=_source(path, tif, first, full, frames, size),
        calibration=calibration,
        notes=(*notes, *about.notes, *refused),
    )


def _require_alike(path: str, pages: Sequence[Page]) -> None:
    for number, page in enumerate(pages):
        if page.kind != pages[0].kind:
            raise InputError(
                f"{path}: page {number} has {page.form} where page 0 has {pages[0].form};"
                " save frames of one size and type"
            )


def _require_one_axis(path: str, about: Description) -> None:
    long = {axis: length for axis, length in about.axes.items() if length > 1}
    if len(long) > 1:
        sizes = ", ".join(f"{axis} = {length}" for axis, length in long.items())
        raise InputError(f"{path} has several stack axes ({sizes}); export one channel or slice over time")
    if long.keys() == {"C"}:
        raise InputError(f"{path} holds {long['C']} channels and no time; export one channel over time")


def _frame_count(path: str, about: Description, pages: int, size: int) -> int:
    stated = prod(about.axes.values())
    if pages == 1 or not about.axes:
        return max(stated, pages)
    if stated > pages:
        raise InputError(
            f"{path} is truncated: it states {stated} frames, and page {pages} is not in its {size} bytes;"
            " copy the file again"
        )
    return pages


def _page_type(path: str, page: tifffile.TiffPage, *, is_imagej: bool) -> np.dtype:
    if page.dtype is None:
        raise InputError(
            f"{path} holds pixels of {page.bitspersample} bit, format {page.sampleformat},"
            " that cannot be read; export it as 8 or 16 bit"
        )
    colours_from = 1 + len(page.extrasamples)
    if page.samplesperpixel > colours_from and page.photometric not in _COLOURS:
        raise InputError(f"{path} holds {page.samplesperpixel} channels; export one channel over time")
    if page.photometric == _PALETTE and not is_imagej:
        return np.dtype(np.uint8)
    if page.photometric == _INKS and page.dtype != np.uint8:
        raise InputError(f"{path} holds CMYK of {page.bitspersample} bit; export it as grey")
    return grey_type(page.dtype, where=path)


def _source(
    path: str, tif: tifffile.TiffFile, first: tifffile.TiffPage, pages: list[Page], frames: int, size: int
) -> FrameSource:
    assert first.dtype is not None
    stored = first.dtype.newbyteorder(tif.byteorder)
    stride = prod(first.shape) * stored.itemsize
    is_plain = (
        first.compression == _PLAIN_COMPRESSION
        and not first.is_tiled
        and first.bitspersample == stored.itemsize * 8
        and first.fillorder == 1
        and first.predictor == 1
        and (first.photometric in (_MIN_IS_BLACK, _RGB) or (first.photometric == _PALETTE and tif.is_imagej))
        and all(page.data is not None and page.data_bytes in (0, stride, stride * frames) for page in pages)
    )
    if is_plain:
        starts = [page.data or 0 for page in pages]
        if len(pages) == 1 and frames > 1:
            starts = [starts[0] + index * stride for index in range(frames)]
        _require_whole(path, starts, stride, size)
        planar = first.samplesperpixel > 1 and first.planarconfig == _PLANAR
        return PlainPages(path, _compact(starts), first.shape, stored, first.samplesperpixel, planar)
    if len(pages) != frames:
        raise InputError(f"{path} states {frames} frames and holds {len(pages)} pages; export it again")
    return CodedPages(path, _compact([page.directory for page in pages]), is_imagej=tif.is_imagej)


def _require_whole(path: str, starts: Sequence[int], stride: int, size: int) -> None:
    for number, start in enumerate(starts):
        if start + stride > size:
            raise InputError(
                f"{path} is truncated: page {number} of {len(starts)} ends at byte {start + stride}"
                f" and the file has {size}; copy the file again"
            )


def _compact(starts: Sequence[int]) -> Sequence[int]:
    # A range pickles in a few bytes; ten thousand places of a regular stack need no more.
    step = starts[1] - starts[0] if len(starts) > 1 else 1
    regular = range(starts[0], starts[0] + step * len(starts), step) if step > 0 else range(0)
    return regular if list(regular) == list(starts) else array("q", starts)


class PlainPages(FrameSource):
    """Uncompressed pages, read from their places. Holds nothing open."""

    def __init__(
        self,
        path: str,
        starts: Sequence[int],
        page_shape: tuple[int, ...],
        stored: np.dtype,
        samples: int,
        planar: bool,
    ) -> None:
        self._path, self._starts, self._page_shape = path, starts, page_shape
        self._stored, self._samples, self._planar = stored, samples, planar

    def read(self, start: int, stop: int) -> Num[np.ndarray, "t y x"]:
        """Return frames [start, stop)."""
        pixels = np.empty((stop - start, *self._page_shape), self._stored)
        target = memoryview(pixels.reshape(-1).view(np.uint8))  # type: ignore[arg-type]
        stride = pixels.nbytes // len(pixels)
        begin = start
        while begin < stop:
            end = begin + 1
            while end < stop and self._starts[end] == self._starts[end - 1] + stride:
                end += 1
            part = target[(begin - start) * stride : (end - start) * stride]
            got = places.read_into(self._path, int(self._starts[begin]), part)
            if got < len(part):
                raise _short(self._path, begin + got // stride)
            begin = end
        if self._samples == 1:
            return native(pixels)
        return to_grey(np.moveaxis(pixels, 1, -1) if self._planar else pixels)


class CodedPages(FrameSource):
    """Compressed, tiled or packed pages, decoded by tifffile."""

    def __init__(self, path: str, directories: Sequence[int], *, is_imagej: bool) -> None:
        self._path, self._directories, self._is_imagej = path, directories, is_imagej
        self._tif: Handle[tuple[tifffile.TiffFile, Any]] = Handle(_open_at, path, int(directories[0]))

    def read(self, start: int, stop: int) -> Num[np.ndarray, "t y x"]:
        """Return frames [start, stop)."""
        with self._tif.use() as (tif, first):
            frames = [self._frame(tif, first, index) for index in range(start, stop)]
        return np.stack(frames)

    def _frame(self, tif: tifffile.TiffFile, first: Any, index: int) -> Num[np.ndarray, "y x"]:
        with places.decoding(f"{self._path}: page {index}", "copy the file again"):
            page = tifffile.TiffFrame(tif, index, offset=int(self._directories[index]), keyframe=first)
            last = max(a + b for a, b in zip(page.dataoffsets, page.databytecounts, strict=True))
            if last > tif.filehandle.size:
                raise _short(self._path, index)
            pixels = page.asarray()
        return page_to_grey(pixels, first, is_imagej=self._is_imagej)


def page_to_grey(
    pixels: np.ndarray, page: tifffile.TiffPage, *, is_imagej: bool = False
) -> Num[np.ndarray, "y x"]:
    """Return the grey frame of a decoded page."""
    if page.photometric == _PALETTE and not is_imagej:
        assert page.colormap is not None
        colours = (np.moveaxis(page.colormap, 0, -1) >> 8).astype(np.uint8)
        return to_grey(colours[pixels])
    if page.samplesperpixel > 1:
        pixels = np.moveaxis(pixels, 0, -1) if page.planarconfig == _PLANAR else pixels
        return cmyk_to_grey(255 - pixels[..., :4]) if page.photometric == _INKS else to_grey(pixels)
    if page.photometric == _MIN_IS_WHITE and pixels.dtype.kind in "bu":
        deepest = 1 if pixels.dtype.kind == "b" else 2**page.bitspersample - 1
        return (deepest - native(pixels)).astype(grey_type(pixels.dtype, where="the page"))
    return native(pixels)


def _open_at(path: str, directory: int) -> tuple[tifffile.TiffFile, Any]:
    with places.readable(path):
        file = places.open_file(path)
        tif = tifffile.TiffFile(file, name=path, _multifile=False)
        return tif, tifffile.TiffFrame(tif, 0, offset=directory).aspage()


def _short(path: str, page: int) -> InputError:
    return InputError(f"{path} is truncated: page {page} is not whole; copy the file again")
