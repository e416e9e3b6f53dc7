"""Fetched weights, kept by what they hold: ``$GRATICULE_HOME/weights/<sha256>``.

Beside them lie notes: which content a URL had, in a state that its store can tell apart.
"""

import hashlib
import os
import re
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

from graticule.experiments.home import home
from graticule.storage.failures import storage_errors

_SHA256 = re.compile("[0-9a-f]{64}")


def folder() -> Path:
    """Return the folder of the kept files."""
    return home() / "weights"


def kept(sha256: str) -> Path | None:
    """Return the kept file of that content, ``None`` where there is none."""
    path = folder() / sha256
    return path if _SHA256.fullmatch(sha256) and path.is_file() else None


def keep(write: Callable[[Path], Any], *, note: str | None = None) -> Path:
    """Keep what ``write`` writes at the path it is given; return where.

    It is written under a temporary name and renamed: a killed download leaves nothing
    that passes for weights.

    Args:
        write: Writes the whole content into a local file.
        note: Under which :func:`noted` finds it again.
    """
    with storage_errors(str(folder())):
        (folder() / "notes").mkdir(parents=True, exist_ok=True)
        scratch = _scratch()
        try:
            write(scratch)
            path = folder() / file_sha256(scratch)
            os.replace(scratch, path)
        finally:
            scratch.unlink(missing_ok=True)
        if note is not None:
            _write_note(note, path.name)
    return path


def joined(parts: Sequence[Path]) -> Path:
    """Return a kept file that holds what lies in parts, one after the other."""
    stamps = [(str(part), part.stat().st_size, part.stat().st_mtime_ns) for part in parts]
    note = repr(stamps)
    return noted(note) or keep(partial(_join, parts), note=note)


def _join(parts: Sequence[Path], path: Path) -> None:
    with path.open("wb") as file:
        for part in parts:
            file.write(part.read_bytes())


def noted(note: str) -> Path | None:
    """Return the kept file that was noted so, ``None`` where there is none."""
    path = _note(note)
    return kept(path.read_text()) if path.is_file() else None


def file_sha256(path: Path) -> str:
    """Return the sha256 of a local file, read in blocks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _scratch() -> Path:
    # Not by tempfile, whose files none but their owner may read: a home can be a group's.
    return folder() / f".{uuid4().hex}.partial"


def _note(note: str) -> Path:
    return folder() / "notes" / hashlib.sha256(note.encode()).hexdigest()


def _write_note(note: str, sha256: str) -> None:
    scratch = _scratch()
    scratch.write_text(sha256)
    os.replace(scratch, _note(note))
