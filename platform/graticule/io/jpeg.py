"""What a JPEG says of itself, without decoding it. Source: ITU-T T.81, sections B.1.1 and B.2.2."""

import struct
from dataclasses import dataclass

_MOST_STEPS = 4096
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Markers of a frame header; the three are tables and a reserved one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FrameHeader:
    """How large a JPEG is, and of how many bits and channels."""

    bits: int
    height: int
    width: int
    channels: int


def frame_header(content: bytes | bytearray) -> FrameHeader:
    """Return the frame header of a JPEG.

    Raises:
        IndexError: If the bytes end before, or thousands of segments come before it.
        struct.error: If they end within it.
    """
    position = 2
    for _ in range(_MOST_STEPS):
        position = content.find(b"\xff", position)
        if position < 0:
            break
        marker = content[position + 1]
        if marker in (0xFF, 0x00):
            position += 1
        elif marker in _FRAMES:
            bits, height, width, channels = struct.unpack_from(">BHHB", content, position + 4)
            return FrameHeader(bits=bits, height=height, width=width, channels=channels)
        else:
            (length,) = struct.unpack_from(">H", content, position + 2)
            position += 2 + length
    raise IndexError("there is no frame header")


def is_whole(content: bytes | bytearray) -> bool:
    """Return whether a JPEG's last scan has its end.

    libjpeg fills up what is missing with grey and only warns. In coded pixels FF is always followed by
    00 or a restart marker, so an end marker after the last start of a scan is the picture's own.
    """
    return content.rfind(b"\xff\xd9") >= content.rfind(b"\xff\xda")
