"""Where the pages of a TIFF file lie: one walk along its chain of directories.

Ten thousand pages are walked in a fraction of a second because only the few tags that
reading needs are looked at. Source: TIFF 6.0, section 2; BigTIFF as libtiff defines it.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from graticule.core.errors import InputError

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _OFFSETS, _SAMPLES, _ROWS, _COUNTS = (
    256, 257, 258, 259, 273, 277, 278, 279,
)  # fmt: skip
_SUBFILE = 254
_REDUCED = 1
_INTEGERS = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
_WANTED = frozenset((_SUBFILE, _WIDTH, _HEIGHT, _BITS, _COMPRESSION, _OFFSETS, _SAMPLES, _ROWS, _COUNTS))
_MOST_TAGS = 4096


@dataclass(frozen=True, slots=True)
class Page:
    """One image of the file: its directory's place and what its pixels are.

    ``data`` and ``data_bytes`` are where its strips lie, one after the other;
    ``None`` where they are scattered, or in tiles.
    """

    directory: int
    kind: tuple[int, ...]
    data: int | None
    data_bytes: int
    is_thumbnail: bool

    @property
    def form(self) -> str:
        """Width, height and samples in words."""
        width, height, bits, samples = self.kind[:4]
        return f"{height} x {width} px, {samples} x {bits} bit"


def read_directory(file: Any, path: str, *, size: int) -> list[Page]:
    """Return the pages of a TIFF file of ``size`` bytes, in order, thumbnails included.

    Raises:
        InputError: If it is no TIFF file, or ends before a page's directory does.
    """
    file.seek(0)
    head = file.read(16)
    order = {b"II": "<", b"MM": ">"}.get(head[:2])
    version = int.from_bytes(head[2:4], "little" if order == "<" else "big")
    if order is None or len(head) < 8 or version not in (42, 43):
        raise InputError(f"{path} is no TIFF file, whatever its name; give the file that the camera wrote")
    try:
        first = struct.unpack(order + "Q", head[8:16])[0] if version == 43 else None
        offset = struct.unpack(order + "I", head[4:8])[0] if first is None else first
        return list(_chain(_Reader(file, path, order, version == 43, size), offset))
    except struct.error as error:
        raise _truncated(path, 0, size) from error


@dataclass(frozen=True, slots=True)
class _Reader:
    file: Any
    path: str
    order: str
    big: bool
    size: int

    def at(self, offset: int, layout: str) -> tuple[int, ...]:
        self.file.seek(offset)
        layout = self.order + layout
        return struct.unpack(layout, self.file.read(struct.calcsize(layout)))


def _chain(reader: _Reader, offset: int) -> Iterator[Page]:
    seen: set[int] = set()
    while offset:
        if offset in seen:
            raise InputError(
                f"{reader.path}: its list of pages turns in a circle after page {len(seen)};"
                " export the movie again"
            )
        seen.add(offset)
        try:
            page, offset = _page(reader, offset)
        except (struct.error, KeyError) as error:
            raise _truncated(reader.path, len(seen) - 1, reader.size) from error
        yield page


def _page(reader: _Reader, offset: int) -> tuple[Page, int]:
    (count,) = reader.at(offset, "Q" if reader.big else "H")
    start, entry = offset + (8 if reader.big else 2), 20 if reader.big else 12
    if not 0 < count <= _MOST_TAGS:
        raise KeyError(count)
    reader.file.seek(start)
    block = reader.file.read(count * entry + 8)
    tags = dict(_tags(reader, block[: count * entry], entry))
    link = block[count * entry :]
    (following,) = struct.unpack(reader.order + ("Q" if reader.big else "I"), link[: 8 if reader.big else 4])
    data, data_bytes = _extent(tags.get(_OFFSETS, ()), tags.get(_COUNTS, ()))
    bits = tags.get(_BITS, (1,))
    samples, compression = tags.get(_SAMPLES, (1,))[0], tags.get(_COMPRESSION, (1,))[0]
    kind = (tags[_WIDTH][0], tags[_HEIGHT][0], bits[0], samples, compression)
    thumbnail = bool(tags.get(_SUBFILE, (0,))[0] & _REDUCED)
    return Page(offset, kind, data, data_bytes, thumbnail), following


def _tags(reader: _Reader, block: bytes, entry: int) -> Iterator[tuple[int, tuple[int, ...]]]:
    layout = struct.Struct(reader.order + ("HHQ8s" if reader.big else "HHI4s"))
    for position in range(0, len(block), entry):
        code, kind, count, value = layout.unpack_from(block, position)
        if code in _WANTED and kind in _INTEGERS:
            yield code, _values(reader, kind, count, value)


def _values(reader: _Reader, kind: int, count: int, value: bytes) -> tuple[int, ...]:
    letter = _INTEGERS[kind]
    needed = struct.calcsize(reader.order + letter) * count
    if needed <= len(value):
        return struct.unpack_from(f"{reader.order}{count}{letter}", value)
    if needed > reader.size:
        raise KeyError(count)
    (offset,) = struct.unpack(reader.order + ("Q" if reader.big else "I"), value)
    return reader.at(offset, f"{count}{letter}")


def _extent(offsets: tuple[int, ...], counts: tuple[int, ...]) -> tuple[int | None, int]:
    if not offsets or len(counts) != len(offsets):
        return (offsets[0] if len(offsets) == 1 else None), 0
    joined = all(
        offset + count == after
        for offset, count, after in zip(offsets[:-1], counts[:-1], offsets[1:], strict=True)
    )
    return (offsets[0] if joined else None), sum(counts)


def _truncated(path: str, page: int, size: int) -> InputError:
    return InputError(
        f"{path} is truncated or damaged: page {page} is not in its {size} bytes; copy it again"
    )
