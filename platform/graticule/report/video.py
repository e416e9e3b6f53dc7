"""H.264 movies that play in any browser."""

import tempfile
from collections.abc import Iterable
from pathlib import Path
from shutil import copyfileobj

import av
import numpy as np
from jaxtyping import UInt8

from graticule.storage.experiment import Experiment

_QUALITY = {
    "crf": "24",
    "preset": "veryfast",
    "maxrate": "12M",
    "bufsize": "24M",
    "x264-params": "chroma-qp-offset=-4",
}


def write_movie(
    experiment: Experiment,
    relative: str,
    frames: Iterable[UInt8[np.ndarray, "y x 3"]],
    *,
    size: tuple[int, int],
    fps: int,
) -> None:
    """Encode RGB frames of ``size`` (height, width) one by one; odd edges lose a line.

    yuv420p with the index in front, so that a browser starts before it has all.
    """
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder, "movie.mp4")
        encode(scratch, frames, size=size, fps=fps)
        with scratch.open("rb") as source, experiment.open_file(relative, "wb") as target:
            copyfileobj(source, target, 1 << 20)


def encode(path: Path, frames: Iterable[np.ndarray], *, size: tuple[int, int], fps: int) -> None:
    """Encode RGB frames into a local file, as :func:`write_movie` does."""
    height, width = (max(2, edge // 2 * 2) for edge in size)
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=fps, options={**_QUALITY, "g": str(2 * fps)})
        stream.height, stream.width, stream.pix_fmt = height, width, "yuv420p"
        for frame in frames:
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(_even(frame, height, width)), "rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode())


def _even(frame: np.ndarray, height: int, width: int) -> np.ndarray:
    short = [(0, max(0, edge - have)) for edge, have in zip((height, width), frame.shape, strict=False)]
    return np.pad(frame, [*short, (0, 0)], mode="edge")[:height, :width]
