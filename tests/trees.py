"""What lies in a folder, byte for byte."""

import hashlib
from pathlib import Path

RESULT = ("zarr.json", "0", "1", "2", "labels", "tables", "tracks.geff")


def digests(root: Path, parts: tuple[str, ...] = RESULT) -> dict[str, str]:
    """Return file -> sha256 for all files of an experiment's result."""
    files = [file for part in parts for file in sorted((root / part).rglob("*")) if file.is_file()]
    files += [root / part for part in parts if (root / part).is_file()]
    return {str(file.relative_to(root)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
