"""Refuse HDF5 files that send their reader to other files.

A dataset may lie in any file that its own file names, and HDF5 follows without asking: somebody
else's file could show what only its reader may see. Source: HDF5 File Format Specification, III,
messages 0006 (link), 0007 (external data files) and 0008 (virtual datasets).
"""

from functools import partial
from importlib import import_module
from typing import Any

from graticule.core.errors import InputError


def require_self_contained(path: str) -> None:
    """Walk through all that an HDF5 file names.

    Raises:
        InputError: If a link or a dataset of it leads out of the file.
        OSError: If it is no HDF5 file.
    """
    h5py = import_module("h5py")
    with h5py.File(path, "r") as file:
        # What a callback returns ends the walk; HDF5 does not survive one that raises.
        outward = file.id.links.visit(partial(_outward_link, h5py.h5l), info=True)
        outward = outward or h5py.h5o.visit(file.id, partial(_outward_object, h5py, file.id), info=True)
    if outward:
        name, what = outward
        raise InputError(
            f"{path}: {name.decode('utf-8', 'replace')[:60]!r} is {what}, and nothing outside of a file is"
            " read; copy all into one, or export it as a TIFF stack"
        )


def _outward_link(h5l: Any, name: bytes, info: Any) -> tuple[bytes, str] | None:
    return None if info.type in (h5l.TYPE_HARD, h5l.TYPE_SOFT) else (name, "an external link")


def _outward_object(h5py: Any, file: Any, name: bytes, info: Any) -> tuple[bytes, str] | None:
    if info.type != h5py.h5o.TYPE_DATASET:
        return None
    made = h5py.h5d.open(file, name).get_create_plist()
    if made.get_external_count():
        return name, "stored in other files"
    return (name, "a virtual dataset") if made.get_layout() == h5py.h5d.VIRTUAL else None
