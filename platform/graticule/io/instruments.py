"""Files of microscopes and cameras, read by RosettaSciIO (the extra ``em``).

The library is GPL-3 and is imported only when such a file is opened. Its readers are lazy:
a run of frames is read from the file by itself.
"""

import logging
import re
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Num

from graticule.core.errors import InputError
from graticule.core.movie import Movie
from graticule.io import places
from graticule.io.grey import grey_type, native, to_grey
from graticule.io.handle import Handle
from graticule.io.mrc_sign import has_signed_bytes
from graticule.io.opened import FrameSource, OpenedMovie
from graticule.io.scale import Scale, calibrate
from graticule.io.self_contained import require_self_contained

READERS: Mapping[str, str] = {
    ".dm3": "digitalmicrograph", ".dm4": "digitalmicrograph",
    ".mrc": "mrc", ".mrcs": "mrc",
    ".ser": "tia", ".emi": "tia",
    ".emd": "emd",
    ".tvips": "tvips",
    ".hspy": "hspy",
}  # fmt: skip
_HDF5 = ("emd", "hspy")
_MOST_TITLES, _LONGEST_TITLE = 5, 40
_TVIPS_PART = re.compile(r"_(\d{3})\.tvips$", re.IGNORECASE)
_CHUNK_BYTES = 4 << 20
_REMEDY = "copy the file again, or export it as TIFF"

Signal = Mapping[str, Any]


def open_instrument_file(path: str) -> Movie:
    """Open a file of the formats in :data:`READERS` as a movie; an image is one frame.

    Raises:
        InputError: If RosettaSciIO is missing, the path is a URL, or the file holds no
            images but a spectrum or a diffraction scan.
    """
    _require_local(path)
    _require_first_part(path)
    signals = _read(path)
    number, notes = _choose(path, signals)
    signal = signals[number]
    shape = signal["data"].shape
    colours = _colours(signal["data"].dtype)
    is_mrc = READERS[places.extension(path)] == "mrc"
    is_signed, doubt = has_signed_bytes(path) if is_mrc else (False, None)
    stored = np.dtype(np.int8) if is_signed else signal["data"].dtype
    notes = (*notes, doubt) if doubt else notes
    frames, (y, x, t) = _frame_axes(path, signal)
    calibration, refused = calibrate(y, x, t)
    return OpenedMovie(
        name=places.stem(path),
        files=_files(path),
        shape=(frames, *shape[-2:]),
        dtype=colours or grey_type(stored, where=path),
        calibration=calibration,
        notes=(*notes, *refused),
        frames=SignalFrames(path, number, shape, signal["data"].dtype.itemsize, is_signed),
    )


def _require_local(path: str) -> None:
    if places.is_url(path):
        raise InputError(f"{path} has a format that is read from local files only; copy it to a disk first")


def _require_first_part(path: str) -> None:
    part = _TVIPS_PART.search(path)
    if part and int(part[1]) != 0:
        first = f"{path[: part.start()]}_000{path[part.end() - len('.tvips') :]}"
        raise InputError(f"{path} is part {int(part[1])} of a TVIPS series; give its first part, {first}")
    if places.extension(path) == ".tvips" and not part:
        raise InputError(f"{path} is no first part of a TVIPS series; its name must end in _000.tvips")


def _read(path: str, **layout: Any) -> list[Signal]:
    ending = places.extension(path)
    try:
        import rsciio  # noqa: F401 - says whether the extra is there
    except ImportError as error:
        raise InputError(
            f"{path}: {ending} files need RosettaSciIO, which is not installed; pip install 'graticule[em]'"
        ) from error
    logging.getLogger("rsciio").setLevel(logging.ERROR)
    with places.readable(path), places.decoding(path, _REMEDY):
        if ending == ".emi":
            _require_ser(path)
        if READERS[ending] in _HDF5:
            require_self_contained(path)
        reader = import_module(f"rsciio.{READERS[ending]}").file_reader
        options = {"select_type": "images"} if _is_velox(path, ending) else {}
        found: list[Signal] = reader(path, lazy=True, **options, **layout)
    return found


def _require_ser(path: str) -> None:
    if not list(_ser_files(path)):
        raise InputError(
            f"{path} has no pixels of its own, and {places.stem(path)}_1.ser is not beside it; copy both"
        )


def _ser_files(path: str) -> list[Path]:
    own = re.compile(re.escape(Path(path).stem) + r"_\d+\.ser", re.IGNORECASE)
    return sorted(file for file in Path(path).parent.iterdir() if own.fullmatch(file.name))


def _is_velox(path: str, ending: str) -> bool:
    if ending != ".emd":
        return False
    with import_module("h5py").File(path, "r") as file:
        return "Data" in file and "Version" in file


def _choose(path: str, signals: Sequence[Signal]) -> tuple[int, tuple[str, ...]]:
    images = [number for number, signal in enumerate(signals) if _image_dimensions(signal) == 2]
    if not images:
        dimensions = sorted({signal["data"].ndim for signal in signals})
        raise InputError(
            f"{path} holds no image: {len(signals)} signals of {dimensions} dimensions, such as a spectrum;"
            " give a file with images"
        )
    best = max(images, key=lambda number: (signals[number]["data"].size, -number))
    if len(images) == 1:
        return best, ()
    titles = [_title(signals[number], number) for number in images[:_MOST_TITLES]]
    titles += ["…"] if len(images) > _MOST_TITLES else []
    taken = _title(signals[best], best)
    return best, (f"{len(images)} images in the file ({', '.join(titles)}); {taken} is taken",)


def _image_dimensions(signal: Signal) -> int:
    data = signal["data"]
    if data.ndim < 2 or 0 in data.shape:
        return 0
    return sum(not axis.get("navigate", False) for axis in signal["axes"])


def _title(signal: Signal, number: int) -> str:
    title = str(signal["metadata"].get("General", {}).get("title") or f"signal {number}")
    return title if len(title) <= _LONGEST_TITLE else f"{title[: _LONGEST_TITLE - 1]}…"


def _frame_axes(path: str, signal: Signal) -> tuple[int, tuple[Scale, Scale, Scale | None]]:
    axes = sorted(signal["axes"], key=lambda axis: axis.get("index_in_array", 0))
    leading = [axis for axis in axes if axis.get("navigate", False)]
    if [axis.get("navigate", False) for axis in axes] != [True] * len(leading) + [False, False]:
        raise InputError(f"{path}: its images do not lie along its last two axes; export it as a TIFF stack")
    long = [axis for axis in leading if axis["size"] > 1]
    if len(long) > 1:
        sizes = " x ".join(str(axis["size"]) for axis in long)
        raise InputError(
            f"{path} is a scan of {sizes} images, not a movie; export one line of it as a TIFF stack"
        )
    time = _scale(long[0]) if long else None
    frames = int(long[0]["size"]) if long else 1
    return frames, (_scale(axes[-2]), _scale(axes[-1]), time)


def _scale(axis: Mapping[str, Any]) -> Scale:
    unit = axis.get("units")
    if "scale" not in axis:
        return Scale()
    return Scale(value=float(axis["scale"]), unit=unit if isinstance(unit, str) else None)


def _colours(dtype: np.dtype) -> np.dtype | None:
    return dtype["R"] if dtype.names and "R" in dtype.names else None


def _files(path: str) -> tuple[str, ...]:
    if places.extension(path) == ".emi":
        return path, *(str(file) for file in _ser_files(path))
    part = _TVIPS_PART.search(path)
    if not part:
        return (path,)
    start = Path(path).name[: part.start() - len(path)]
    own = re.compile(re.escape(start) + r"_\d{3}\.tvips", re.IGNORECASE)
    return tuple(str(file) for file in sorted(Path(path).parent.iterdir()) if own.fullmatch(file.name))


class SignalFrames(FrameSource):
    """Frames of one signal of a file, which each process opens for itself."""

    def __init__(
        self, path: str, number: int, shape: tuple[int, ...], item_bytes: int, is_signed: bool
    ) -> None:
        self._path, self._is_signed = path, is_signed
        self._signal: Handle[Any] = Handle(_data, path, number, _chunks(path, shape, item_bytes))

    def read(self, start: int, stop: int) -> Num[np.ndarray, "t y x"]:
        """Return frames [start, stop)."""
        with self._signal.use() as data, places.decoding(self._path, _REMEDY):
            stack = data.reshape((-1, *data.shape[-2:])) if data.ndim != 3 else data
            part = stack[start:stop]
            frames = np.asarray(part.compute(scheduler="synchronous") if hasattr(part, "compute") else part)
        if frames.dtype.names:
            return to_grey(np.stack([frames[name] for name in "RGB"], axis=-1))
        return native(frames).view(np.int8) if self._is_signed else native(frames)


def _data(path: str, number: int, chunks: tuple[int, ...] | None) -> Any:
    return _read(path, **({} if chunks is None else {"chunks": chunks}))[number]["data"]


def _chunks(path: str, shape: tuple[int, ...], item_bytes: int) -> tuple[int, ...] | None:
    # These readers load a chunk as a whole; left alone, one of 128 MiB for each frame asked for.
    if len(shape) != 3 or READERS[places.extension(path)] not in ("mrc", "digitalmicrograph"):
        return None
    frame_bytes = shape[1] * shape[2] * item_bytes
    return max(1, min(shape[0], _CHUNK_BYTES // frame_bytes)), *shape[1:]
