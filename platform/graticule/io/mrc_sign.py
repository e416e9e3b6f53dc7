"""Whether the bytes of an 8-bit MRC file (mode 0) are signed.

MRC2014 says signed, IMOD wrote unsigned ones for years and marks its files, and RosettaSciIO
reads all as unsigned: the header is asked. Source: bio3d.colorado.edu/imod/doc/mrc_format.txt.
"""

import struct

from graticule.io import places

_MODE, _RANGE, _STAMP = 12, 76, 152
_IMOD = 1146047817
_SIGNED_FLAG = 1
_MOST_SIGNED = 127


def has_signed_bytes(path: str) -> tuple[bool, str | None]:
    """Return whether the pixels are int8 in spite of being read as uint8, and a note if in doubt."""
    header = bytearray(256)
    if places.read_into(path, 0, memoryview(header)) < len(header):
        return False, None
    (mode,) = struct.unpack_from("<i", header, _MODE)
    if mode != 0:
        return False, None
    stamp, flags = struct.unpack_from("<ii", header, _STAMP)
    if stamp == _IMOD:
        return bool(flags & _SIGNED_FLAG), None
    low, high = struct.unpack_from("<ff", header, _RANGE)
    if low < high and (low < 0 or high > _MOST_SIGNED):
        return low < 0, None
    if 0 <= low < high:
        return False, None  # 0 to 127 is the same in both
    return True, "8-bit MRC whose header tells neither sign nor range: read as signed, as MRC2014 says"
