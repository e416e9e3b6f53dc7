"""Files as microscopes write them, the least that a reader takes."""

import struct
from pathlib import Path

import numpy as np


def dm4(values: np.ndarray, *, unit: str = "eV", scale: float = 1) -> bytes:
    """Write the least DigitalMicrograph 4 file that holds ``values`` (float32), x fastest."""

    def group(*tags: bytes) -> bytes:
        return struct.pack(">bbq", 1, 0, len(tags)) + b"".join(tags)

    def sub(name: str, body: bytes) -> bytes:
        return struct.pack(">bh", 20, len(name)) + name.encode() + struct.pack(">q", len(body)) + body

    def leaf(name: str, info: tuple[int, ...], data: bytes) -> bytes:
        body = (
            b"%%%%" + struct.pack(">q", len(info)) + b"".join(struct.pack(">q", word) for word in info) + data
        )
        return struct.pack(">bh", 21, len(name)) + name.encode() + struct.pack(">q", len(body)) + body

    def number(name: str, value: int) -> bytes:
        return leaf(name, (5,), struct.pack("<I", value))  # 5: unsigned 32 bit

    def real(name: str, value: float) -> bytes:
        return leaf(name, (6,), struct.pack("<f", value))  # 6: 32 bit float

    axis = sub(
        "",
        group(real("Origin", 0), real("Scale", scale), leaf("Units", (20, 4, 2), unit.encode("utf-16-le"))),
    )
    brightness = sub("Brightness", group(real("Origin", 0), real("Scale", 1)))
    data = group(
        sub("Calibrations", group(brightness, sub("Dimension", group(*[axis] * values.ndim)))),
        leaf("Data", (20, 6, values.size), values.astype("<f4").tobytes()),
        number("DataType", 2),
        sub("Dimensions", group(*(number("", size) for size in reversed(values.shape)))),
        number("PixelDepth", 4),
    )
    image = group(sub("ImageData", data), sub("ImageTags", group()), leaf("Name", (20, 4, 1), b"a\0"))
    root = group(sub("ImageList", group(sub("", image), sub("", image))), number("InImageMode", 1))
    return struct.pack(">IQI", 4, len(root), 1) + root + bytes(8)


def mrc(path: Path, frames: np.ndarray, *, mode: int, span=(0.0, 0.0), imod_flags: int | None = None) -> Path:
    """Write a movie as MRC 2014 says, without a scale; ``span`` is the header's least and most."""
    header = np.zeros(256, "<i4")
    header[:3] = header[7:10] = frames.shape[::-1]
    header[3], header[16:19] = mode, (1, 2, 3)
    header[19:21] = np.array(span, "<f4").view("<i4")
    if imod_flags is not None:
        header[38:40] = 1146047817, imod_flags
    header[52], header[53] = int.from_bytes(b"MAP ", "little"), 0x4444
    path.write_bytes(header.tobytes() + frames.tobytes())
    return path
