"""Hand an experiment to other programs: tables as CSV, pixels as TIFF stacks.

Every format is a function from an experiment and a folder to the names of the files it
wrote; a new one is a line in :data:`FORMATS`.
"""

from collections.abc import Callable, Iterator
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import tifffile
from pyarrow import csv

from graticule.core.errors import StorageError
from graticule.core.progress import Listener, Progress, ignore
from graticule.core.registry import look_up
from graticule.storage.experiment import Experiment
from graticule.storage.layout import LABEL_KINDS, LabelKind, Pixels
from graticule.storage.place import Place
from graticule.storage.schemas import TABLES

FORMATS = {
    "csv": "graticule.report.export:csv_files",
    "tiff": "graticule.report.export:tiff_files",
}
_BIGTIFF_FROM = 2**32 - 2**25
_FLOAT32_EXACT = 2**24

Write = Callable[[Experiment, IO[bytes], Listener], None]


def export(
    experiment: Experiment, to: str, path: str, *, overwrite: bool = False, listener: Listener = ignore
) -> list[str]:
    """Write an experiment's results in another format.

    Args:
        experiment: With tables (csv), or with an image and what label images it has (tiff).
        to: Name of the format; see :data:`FORMATS`.
        path: Folder or URL to write into; it is made where it is not there.
        overwrite: Replace files of the same names.
        listener: Told of frames written.

    Returns:
        Paths of the files.

    Raises:
        UnknownNameError: If there is no such format.
        StorageError: If a file is there already, or cannot be written.
    """
    files: dict[str, Write] = look_up("format", FORMATS, to)(experiment)
    place = Place.at(path)
    if place.is_file():
        raise StorageError(f"{place.root} is a file; give a folder to export into")
    there = [name for name in files if place.is_file(name)]
    if there and not overwrite:
        raise StorageError(f"{place.path(there[0])} exists; choose another folder, or add --overwrite")
    for name, write in files.items():
        with place.open(name, "wb") as file:
            write(experiment, file, listener)
    return [place.path(name) for name in files]


def csv_files(experiment: Experiment) -> dict[str, Write]:
    """Name the tables as comma-separated text; the ids of a list are joined by ";"."""
    return {f"{name}.csv": _table_writer(experiment.read_table(name)) for name in TABLES}


def tiff_files(experiment: Experiment) -> dict[str, Write]:
    """Name the stacks: image, and the label images there are.

    ImageJ knows uint8, uint16 and float32. Labels are uint16 where all ids fit, else
    float32 (exact below 2**24), else uint32 in a plain TIFF; images of other types become
    float32. Above 4 GiB a stack is a BigTIFF, which ImageJ opens through Bio-Formats.
    """
    files = {"image.tif": _stack_writer("image", _image_dtype(experiment.dtype))}
    for kind in LABEL_KINDS:
        if experiment.levels(kind):
            files[f"{kind}.tif"] = _stack_writer(kind, _label_dtype(_largest_id(experiment, kind)))
    return files


def _table_writer(table: pa.Table) -> Write:
    def write(_: Experiment, file: IO[bytes], __: Listener) -> None:
        csv.write_csv(_flat(table), file)

    return write


def _flat(table: pa.Table) -> pa.Table:
    for index, field in enumerate(table.schema):
        if pa.types.is_list(field.type):
            joined: Any = pc.binary_join(table[field.name].cast(pa.list_(pa.string())), ";")
            table = table.set_column(index, field.name, joined)
    return table


def _stack_writer(which: Pixels, dtype: np.dtype) -> Write:
    def write(experiment: Experiment, file: IO[bytes], listener: Listener) -> None:
        size = dtype.itemsize * int(np.prod(experiment.shape, dtype=np.int64))
        big, imagej = size > _BIGTIFF_FROM, dtype != np.uint32 and size <= _BIGTIFF_FROM
        with tifffile.TiffWriter(file, bigtiff=big, imagej=imagej) as stack:
            stack.write(
                _pages(experiment, which, dtype, listener),
                shape=experiment.shape,
                dtype=dtype,
                photometric="minisblack",
                **_scale(experiment, imagej=imagej),
            )

    return write


def _pages(
    experiment: Experiment, which: Pixels, dtype: np.dtype, listener: Listener
) -> Iterator[np.ndarray]:
    frames = experiment.shape[0]
    for start in range(0, frames, experiment.shard_frames):
        stop = min(start + experiment.shard_frames, frames)
        if which == "image":
            block = experiment.read_image(start, stop)
        else:
            block = experiment.read_labels(which, start, stop)
        yield from block.astype(dtype, copy=False)
        listener(Progress(stage=f"export {which}", done=stop, total=frames))


def _scale(experiment: Experiment, *, imagej: bool) -> dict[str, Any]:
    """Return calibration as tifffile takes it: ImageJ's own keys, else a resolution in cm."""
    pixel, interval = experiment.calibration.pixel_size_nm, experiment.calibration.frame_interval_s
    metadata: dict[str, Any] = {"axes": "TYX"}
    if not imagej:
        per_cm = None if pixel is None else (1e7 / pixel, 1e7 / pixel)
        return {"metadata": metadata, "resolution": per_cm, "resolutionunit": "CENTIMETER" if pixel else None}
    if interval is not None:
        metadata |= {"finterval": interval, "tunit": "s"}
    if pixel is None:
        return {"metadata": metadata}
    return {"metadata": {**metadata, "unit": "nm"}, "resolution": (1 / pixel, 1 / pixel)}


def _image_dtype(dtype: np.dtype) -> np.dtype:
    known = dtype in (np.dtype(np.uint8), np.dtype(np.uint16), np.dtype(np.float32))
    return dtype if known else np.dtype(np.float32)


def _label_dtype(largest: int) -> np.dtype:
    if largest <= np.iinfo(np.uint16).max:
        return np.dtype(np.uint16)
    return np.dtype(np.float32 if largest < _FLOAT32_EXACT else np.uint32)


def _largest_id(experiment: Experiment, kind: LabelKind) -> int:
    """Return the largest id in a label image, read a shard at a time."""
    frames, step = experiment.shape[0], experiment.shard_frames
    blocks = (
        experiment.read_labels(kind, start, min(start + step, frames)) for start in range(0, frames, step)
    )
    return max(int(block.max(initial=0)) for block in blocks)
