"""A folder of pictures in natural order: each file a frame, or each file a stack."""

import os
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate

import numpy as np
from jaxtyping import Num

from graticule.core.errors import InputError
from graticule.core.movie import Movie
from graticule.io import places
from graticule.io.natural import natural_key
from graticule.io.opened import FrameSource, OpenedMovie
from graticule.io.pictures import PICTURES, Header, read_header, read_picture
from graticule.io.tiff import Stack, read_stack

_LOCAL_THREADS, _REMOTE_THREADS = 4, 8


def open_folder(path: str) -> Movie:
    """Open a folder of png, jpg or tif files as a movie.

    The type most files have is taken; files of other types are counted in one note. Only
    the first file's header is read: one that differs is found when it is read.

    Raises:
        InputError: If there is no picture, or as many of one type as of another.
    """
    found = [entry for entry in places.entries(path) if not entry.is_folder]
    names, note = _pictures(path, [entry.name for entry in found])
    files = tuple(places.joined(path, name) for name in names)
    header = read_header(files[0])
    if header.pages > 1:
        return _open_stacks(path, files, note)
    return _movie(path, files, note, header, frames=len(files), source=Pictures(files, header))


def open_picture(path: str) -> Movie:
    """Open one PNG or JPEG file as a movie of one frame."""
    header = read_header(path)
    return OpenedMovie(
        name=places.stem(path),
        files=(path,),
        shape=(1, *header.shape),
        dtype=header.dtype,
        frames=Pictures((path,), header),
    )


def _pictures(path: str, names: Sequence[str]) -> tuple[list[str], tuple[str, ...]]:
    kinds = {name: PICTURES.get(places.extension(name)) for name in names if not name.startswith(".")}
    counts = Counter(kind for kind in kinds.values() if kind).most_common()
    if not counts:
        raise InputError(
            f"{path} holds no png, jpg or tif pictures{_what_else(names)}; give a folder of frames"
        )
    if len(counts) > 1 and counts[0][1] == counts[1][1]:
        raise InputError(
            f"{path} holds as many {counts[0][0]} as {counts[1][0]} pictures ({counts[0][1]} each);"
            " move those that are no frames elsewhere"
        )
    chosen = sorted((name for name, kind in kinds.items() if kind == counts[0][0]), key=natural_key)
    others = Counter(places.extension(name) or name for name in set(names) - set(chosen))
    if not others:
        return chosen, ()
    listed = ", ".join(f"{ending} {count}" for ending, count in sorted(others.items())[:8])
    return chosen, (f"{others.total()} files of other types ignored ({listed})",)


def _what_else(names: Sequence[str]) -> str:
    if not names:
        return ": it is empty"
    shown = ", ".join(sorted(names, key=natural_key)[:3])
    return f" (it holds {shown}{', …' if len(names) > 3 else ''})"


def _open_stacks(path: str, files: tuple[str, ...], note: tuple[str, ...]) -> Movie:
    stacks = [read_stack(file) for file in files]
    first = stacks[0]
    for stack in stacks:
        if (stack.shape, stack.dtype) != (first.shape, first.dtype):
            raise _unlike(stack.path, stack.shape, stack.dtype, first.path, first.shape, first.dtype)
    header = Header(
        shape=first.shape, dtype=first.dtype, calibration=first.calibration, notes=first.notes
    )  # fmt: skip
    frames = sum(stack.frames for stack in stacks)
    return _movie(path, files, note, header, frames=frames, source=Stacks(stacks))


def _movie(
    path: str,
    files: tuple[str, ...],
    note: tuple[str, ...],
    header: Header,
    *,
    frames: int,
    source: FrameSource,
) -> Movie:
    return OpenedMovie(
        name=places.base_name(path),
        files=files,
        shape=(frames, *header.shape),
        dtype=header.dtype,
        calibration=header.calibration,
        notes=(*note, *header.notes),
        frames=source,
    )


class Pictures(FrameSource):
    """One file per frame, decoded by a few threads."""

    def __init__(self, files: Sequence[str], header: Header) -> None:
        self._files, self._shape, self._dtype = files, header.shape, header.dtype

    def read(self, start: int, stop: int) -> Num[np.ndarray, "t y x"]:
        """Return frames [start, stop)."""
        frames = np.empty((stop - start, *self._shape), self._dtype)

        def decode(index: int) -> None:
            frames[index] = self._frame(start + index)

        if len(frames) == 1:
            decode(0)
            return frames
        with ThreadPoolExecutor(self._threads()) as pool:
            for _ in pool.map(decode, range(len(frames))):
                pass
        return frames

    def _frame(self, index: int) -> Num[np.ndarray, "y x"]:
        path = self._files[index]
        frame = read_picture(path)
        if (frame.shape, frame.dtype) != (self._shape, self._dtype):
            raise _unlike(path, frame.shape, frame.dtype, self._files[0], self._shape, self._dtype)
        return frame

    def _threads(self) -> int:
        if places.is_url(self._files[0]):
            return _REMOTE_THREADS
        return min(_LOCAL_THREADS, os.cpu_count() or 1)


class Stacks(FrameSource):
    """Several stacks, one after the other, as cameras write them at 4 GB."""

    def __init__(self, stacks: Sequence[Stack]) -> None:
        self._sources = [stack.source for stack in stacks]
        self._ends = list(accumulate(stack.frames for stack in stacks))

    def read(self, start: int, stop: int) -> Num[np.ndarray, "t y x"]:
        """Return frames [start, stop)."""
        parts, begin = [], 0
        for source, end in zip(self._sources, self._ends, strict=True):
            if max(start, begin) < min(stop, end):
                parts.append(source.read(max(start, begin) - begin, min(stop, end) - begin))
            begin = end
        return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _unlike(
    path: str, shape: tuple[int, ...], dtype: np.dtype, first: str, like: tuple[int, int], kind: np.dtype
) -> InputError:
    return InputError(
        f"{path} is {shape[0]} x {shape[1]} {dtype} where {places.base_name(first)} is"
        f" {like[0]} x {like[1]} {kind}; save all frames in one size and type, or take it out of the folder"
    )
