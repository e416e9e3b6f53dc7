"""Rows to store, and digests of what was stored."""

import hashlib
import subprocess
from pathlib import Path

import numpy as np
import pyarrow as pa

from graticule.storage.schemas import table_schema


def particles(count: int, *, calibrated: bool = True) -> pa.Table:
    """A table of so many particles, one per frame."""
    schema = table_schema("particles", calibrated=calibrated)
    columns = []
    for field in schema:
        values = np.arange(count) % 2 == 0 if field.type == pa.bool_() else np.arange(count)
        columns.append(pa.array(values).cast(field.type))
    return pa.Table.from_arrays(columns, schema=schema)


def digest(folder: str | Path) -> dict[str, str]:
    """SHA-1 of every file below a folder, by relative path."""
    files = (path for path in sorted(Path(folder).rglob("*")) if path.is_file())
    return {
        path.relative_to(folder).as_posix(): hashlib.sha1(path.read_bytes()).hexdigest() for path in files
    }


def make_read_only(disk: Path) -> None:
    """Mount the small disk again, read-only."""
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
