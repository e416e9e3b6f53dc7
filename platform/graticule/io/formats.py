"""Which reader opens what: by ending, by what a folder holds, else by a file's first bytes."""

from collections.abc import Callable
from importlib import import_module

from graticule.core.errors import InputError
from graticule.core.movie import Movie
from graticule.io import places

_VIDEO = "video:open_video"
_TIFF = "tiff:open_tiff"
_PICTURE = "folder:open_picture"
_FOLDER = "folder:open_folder"
_ZARR = "ome_zarr:open_ome_zarr"
_INSTRUMENT = "instruments:open_instrument_file"

FORMATS: dict[str, str] = {
    **dict.fromkeys((".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm"), _VIDEO),
    **dict.fromkeys((".tif", ".tiff", ".btf", ".tf8"), _TIFF),
    **dict.fromkeys((".png", ".jpg", ".jpeg"), _PICTURE),
    **dict.fromkeys(
        (".dm3", ".dm4", ".mrc", ".mrcs", ".ser", ".emi", ".emd", ".tvips", ".hspy"), _INSTRUMENT
    ),
}
"""Ending -> reader, for files. A folder is an OME-Zarr image or a folder of pictures."""

_ZARR_MARKS = frozenset(("zarr.json", ".zgroup", ".zattrs", ".zarray"))
_LOGS = frozenset((".csv", ".dens", ".txt", ".log", ".xlsx"))


def open_movie(path: str) -> Movie:
    """Open anything that :data:`FORMATS` knows as a movie; no pixels are read yet.

    Args:
        path: A file or a folder: a local path or an fsspec URL (``s3://…``).

    Raises:
        InputError: If there is nothing, or nothing that can be read; one line that names
            the file and the remedy.
    """
    path = places.located(path)
    kind = places.kind_of(path)
    if kind == "missing":
        raise InputError(f"{path}: no such file or folder; check the path")
    name = _folder_reader(path) if kind == "folder" else _file_reader(path)
    module, _, function = name.partition(":")
    reader: Callable[[str], Movie] = getattr(import_module(f"graticule.io.{module}"), function)
    return reader(path)


def _folder_reader(path: str) -> str:
    names = {entry.name for entry in places.entries(path)}
    if not names:
        raise InputError(f"{path} is an empty folder; give a folder of frames, or a file")
    if names & _ZARR_MARKS or path.lower().endswith(".zarr"):
        return _ZARR
    return _FOLDER


def _file_reader(path: str) -> str:
    if places.size_of(path) == 0:
        raise InputError(f"{path} is empty (0 bytes); copy the file again")
    ending = places.extension(path)
    reader = FORMATS.get(ending) or _by_content(path)
    if reader:
        return reader
    known = " ".join(sorted(FORMATS))
    unknown = f"has an ending that is not known ({ending or 'none'})"
    what = "is a log, not a movie" if ending in _LOGS else unknown
    raise InputError(f"{path} {what}; known are {known}, OME-Zarr and folders of png, jpg or tif")


def _by_content(path: str) -> str | None:
    with places.readable(path), places.open_file(path) as file:
        head = file.read(16)
    if head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return _TIFF
    is_avi = head[:4] == b"RIFF" and head[8:12] == b"AVI "
    if is_avi or head[4:8] == b"ftyp" or head[:4] == b"\x1aE\xdf\xa3":
        return _VIDEO
    return None
