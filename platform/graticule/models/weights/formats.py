"""What kind of file lies there, told by its first bytes: an ending can say anything."""

from pathlib import Path
from typing import Literal

from graticule.core.errors import InputError

Format = Literal["safetensors", "torch"]
_HEADER = 64
_ZIP, _OLD_PICKLE = b"PK\x03\x04", b"\x80"


def format_of(path: Path) -> Format:
    """Return how a weights file is written.

    Raises:
        InputError: If it is empty, or written in no way that holds weights.
    """
    with path.open("rb") as file:
        head = file.read(_HEADER)
    if not head:
        raise InputError(f"{path} is empty; fetch the weights again")
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < 1 << 32:
        return "safetensors"
    if head.startswith((_ZIP, _OLD_PICKLE)):
        return "torch"
    raise InputError(
        f"{path} is no weights file ({_looks_like(head)}); give a .safetensors, .pt or .pth file"
    )


def _looks_like(head: bytes) -> str:
    if head.startswith(b"version https://git-lfs"):
        return "it is a Git LFS pointer: run git lfs pull where it came from"
    if head.lstrip()[:5].lower() in (b"<!doc", b"<html"):
        return "it is a web page"
    return f"it begins with {head[:8]!r}"
