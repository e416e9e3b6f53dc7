"""What an image's header says, checked before a single pixel is decoded.

Sources: PNG, 3rd edition, 5.3, 11.2.1, 11.3.3.1; TIFF 6.0, section 2. Whoever sends a small body
may buy little time with it: what is looped over in Python has a bound.
"""

import struct
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any, Literal

import tifffile

from graticule.io.jpeg import frame_header, is_whole
from serve.problems import Problem, first_line

Kind = Literal["png", "jpeg", "tiff"]
MEDIA_TYPES: dict[str, Kind] = {
    "image/png": "png",
    "image/jpeg": "jpeg",
    "image/jpg": "jpeg",
    "image/tiff": "tiff",
    "image/tif": "tiff",
}
ENDINGS: dict[Kind, str] = {"png": ".png", "jpeg": ".jpg", "tiff": ".tif"}
TAKEN = "send a PNG, JPEG or TIFF of 8 or 16 bit"

_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8"
_TIFFS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_OTHERS = {
    b"GIF8": "a GIF",
    b"BM": "a BMP",
    b"RIFF": "a WebP or AVI",
    b"%PDF": "a PDF",
    b"\x89HDF": "an HDF5 file",
    b"PK": "a ZIP archive",
    b"{": "a text",
    b"<": "a text",
}
_MOST_CHUNKS = 2**15
_MOST_DIRECTORIES, _MOST_TAGS = 32, 512
_SEGMENT_TAGS, _MOST_SEGMENTS = (273, 279, 324, 325), 2**16
_MOST_SCANS = 100
_COMPRESSIONS = {1, 5, 8, 32773, 32946, 34926, 50000}
"""None, LZW, deflate, packbits, zstd: bytes alone, decoded into what the directory says they fill. JPEG,
JPEG 2000, JPEG XL, WebP, PNG, LERC and their like say themselves how large they are, and an LZMA stream
how much memory it takes."""
_CHANNELS = {0: 1, 2: 3, 3: 4, 4: 2, 6: 4}
"""Colour type of a PNG -> channels that are decoded; a palette may come with alpha."""
_LUMA_BYTES = 18
"""Of a pixel in colour, while its grey is worked out."""
_INKS = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """How large an image may be, in pixels."""

    pixels: int
    edge: int
    least_edge: int


def kind_of(content: bytes | bytearray) -> Kind:
    """Return what an image is by its first bytes.

    Raises:
        Problem: 400 if there are none, 415 if it is nothing that is read.
    """
    if not content:
        raise Problem("bad-request", f"the image is empty (0 bytes); {TAKEN}")
    if content.startswith(_PNG):
        return "png"
    if content.startswith(_JPEG):
        return "jpeg"
    if content.startswith(_TIFFS):
        return "tiff"
    what = next((name for magic, name in _OTHERS.items() if content.startswith(magic)), "no image")
    raise Problem("wrong-type", f"the image is {what}, by its first bytes {content[:8].hex(' ')}; {TAKEN}")


def check_header(content: bytes | bytearray, kind: Kind, limits: Limits) -> int:
    """Refuse an image that is too large, not whole, animated, or of a depth or colours that are not read.

    Returns:
        Bytes of memory that decoding it takes, at most.

    Raises:
        Problem: 413 if it is too large, 415 if it is of another form, 422 if it is damaged.
    """
    try:
        return {"png": _check_png, "jpeg": _check_jpeg, "tiff": _check_tiff}[kind](content, limits)
    except (struct.error, IndexError):
        raise _damaged("its header is not whole") from None


def check_size(height: int, width: int, limits: Limits) -> None:
    """Refuse an image of so many pixels.

    Raises:
        Problem: 413 if it is too large, 422 if it is too small.
    """
    if max(height, width) > limits.edge or height * width > limits.pixels:
        raise Problem(
            "too-large",
            f"the image has {height} x {width} pixels, at most {limits.edge} along an edge and"
            f" {limits.pixels} in all are taken; crop or bin it",
        )
    if min(height, width) < limits.least_edge:
        raise Problem(
            "cannot-be",
            f"the image has {height} x {width} pixels, at least {limits.least_edge} along each edge are"
            " needed; send all of it",
        )


def check_single(pages: int) -> None:
    """Refuse a file of several images.

    Raises:
        Problem: 415; movies are tracked elsewhere.
    """
    if pages > 1:
        raise _stack(str(pages))


def _check_png(content: bytes | bytearray, limits: Limits) -> int:
    if content[12:16] != b"IHDR":
        raise _damaged("its first chunk is no IHDR")
    width, height, depth, colours = struct.unpack_from(">IIBB", content, 16)
    check_size(height, width, limits)
    if depth not in (8, 16) and colours != 3:
        raise Problem("wrong-type", f"the PNG has {depth} bit; {TAKEN}")
    _check_chunks(content)
    return _decoding(height * width, channels=_CHANNELS.get(colours, 4), depth=depth)


def _check_chunks(content: bytes | bytearray) -> None:
    position, has_data = len(_PNG), False
    for _ in range(_MOST_CHUNKS):
        (length,), name = struct.unpack_from(">I", content, position), content[position + 4 : position + 8]
        position += 12 + length
        if name == b"acTL":
            raise Problem("wrong-type", "the PNG is animated; send one frame, or the movie to POST /v1/track")
        has_data |= name == b"IDAT"
        if position > len(content) or (name == b"IEND" and not has_data):
            raise _damaged(f"it ends after {len(content)} bytes, before its last chunk")
        if name == b"IEND":
            return
    raise Problem("cannot-be", f"the PNG has more than {_MOST_CHUNKS} chunks; save it again")


def _check_jpeg(content: bytes | bytearray, limits: Limits) -> int:
    frame = frame_header(content)
    check_size(frame.height, frame.width, limits)
    if frame.bits != 8:
        raise Problem("wrong-type", f"the JPEG has {frame.bits} bit; {TAKEN}")
    if frame.channels == 4:
        raise Problem("wrong-type", "the JPEG is CMYK, made for print; export it as grey or RGB")
    scans = content.count(b"\xff\xda")
    if scans > _MOST_SCANS:
        raise Problem(
            "cannot-be", f"the JPEG has {scans} scans, at most {_MOST_SCANS} are read; save it again"
        )
    if not is_whole(content):
        raise _damaged(f"it ends after {len(content)} bytes, before its last pixel")
    # A progressive one is kept in coefficients of 16 bit until its last scan.
    return frame.height * frame.width * (2 * frame.channels + 2)


def _decoding(pixels: int, *, channels: int, depth: int) -> int:
    """Return the bytes that pixels take while they are decoded: raw, as grey, and a copy."""
    sample = max(1, depth // 8)
    return pixels * (sample * (channels + 2) + (_LUMA_BYTES if channels > 2 else 0))


def _check_tiff(content: bytes | bytearray, limits: Limits) -> int:
    directories = _directories(content)
    if directories > _MOST_DIRECTORIES:
        raise _stack(f"more than {_MOST_DIRECTORIES}")
    try:
        with tifffile.TiffFile(BytesIO(content), _multifile=False) as tif:
            pages: list[Any] = [tif.pages.first, *(tif.pages[n] for n in range(1, directories))]
            full = [page for page in pages if not page.subfiletype & 1] or pages[:1]
            if len(full) > 1:
                raise _stack(str(len(full)))
            page = full[0] if isinstance(full[0], tifffile.TiffPage) else full[0].aspage()
            _check_page(page, limits)
            ends = [a + b for a, b in zip(page.dataoffsets, page.databytecounts, strict=False)]
            pixels = page.imagelength * page.imagewidth
            taken = _decoding(pixels, channels=page.samplesperpixel, depth=page.bitspersample)
    except Problem:
        raise
    except Exception as error:  # noqa: BLE001 - whatever a damaged directory makes tifffile trip over
        raise _damaged(first_line(error)) from None
    if not ends or max(ends) > len(content):
        raise _damaged(f"its pixels end at byte {max(ends, default=0)} and it has {len(content)}")
    return taken


def _check_page(page: tifffile.TiffPage, limits: Limits) -> None:
    check_size(page.imagelength, page.imagewidth, limits)
    if page.is_tiled:
        check_size(page.tilelength, page.tilewidth, replace(limits, least_edge=1))
    depth = page.imagedepth * page.tiledepth if page.is_tiled else page.imagedepth
    if depth > 1:
        raise _stack(str(depth))
    if page.photometric == _INKS:
        raise Problem("wrong-type", "the TIFF is CMYK, made for print; export it as grey or RGB")
    if page.samplesperpixel > 4:
        raise Problem("wrong-type", f"the TIFF has {page.samplesperpixel} channels; export one of them")
    if page.dtype is None or page.dtype.kind not in "ui" or page.bitspersample not in (8, 16):
        what = "pixels that cannot be read" if page.dtype is None else f"{page.dtype.name} pixels"
        raise Problem("wrong-type", f"the TIFF has {what}, {page.bitspersample} bit; {TAKEN}")
    if int(page.compression) not in _COMPRESSIONS:
        raise Problem("wrong-type", f"the TIFF is compressed by {page.compression!r}; save it uncompressed")


def _directories(content: bytes | bytearray) -> int:
    """Return how many directories a TIFF has, counted no further than is allowed."""
    order = "<" if content[:1] == b"I" else ">"
    big = content[2:4] in (b"+\0", b"\0+")
    (offset,) = struct.unpack_from(order + ("Q" if big else "I"), content, 8 if big else 4)
    count = 0
    while offset and count <= _MOST_DIRECTORIES:
        count += 1
        (tags,) = struct.unpack_from(order + ("Q" if big else "H"), content, offset)
        _check_tags(content, offset, tags, order=order, big=big)
        link = offset + (8 + 20 * tags if big else 2 + 12 * tags)
        (offset,) = struct.unpack_from(order + ("Q" if big else "I"), content, link)
    return count


def _check_tags(content: bytes | bytearray, offset: int, tags: int, *, order: str, big: bool) -> None:
    if tags > _MOST_TAGS:
        raise Problem("cannot-be", f"the TIFF has {tags} tags, at most {_MOST_TAGS} are read; save it again")
    first, size, counts = (offset + 8, 20, "HHQ") if big else (offset + 2, 12, "HHI")
    for entry in range(first, first + size * tags, size):
        tag, _, segments = struct.unpack_from(order + counts, content, entry)
        if tag in _SEGMENT_TAGS and segments > _MOST_SEGMENTS:
            raise Problem(
                "cannot-be",
                f"the TIFF is in {segments} pieces, at most {_MOST_SEGMENTS} are read; save it in strips",
            )


def _stack(pages: str) -> Problem:
    return Problem("wrong-type", f"the TIFF holds {pages} pages; send one, or the movie to POST /v1/track")


def _damaged(why: str) -> Problem:
    return Problem("cannot-be", f"the image is damaged or truncated: {why}; copy or export it again")
