"""Whether H.264 movies can be written and read here: found by doing it."""

from pathlib import Path

import av
import numpy as np

from graticule.core.errors import ConfigError
from graticule.io import open_movie
from graticule.report.video import encode

_FRAMES, _EDGE = 3, 64


def video_round_trip(folder: Path) -> int:
    """Write a small movie as reports do, read it as movies are read, and return how many frames came back.

    Args:
        folder: An empty one.

    Raises:
        ConfigError: If it cannot be written.
        InputError: If it cannot be read.
    """
    path = folder / "probe.mp4"
    shades = np.linspace(40, 200, _FRAMES, dtype=np.uint8)
    frames = (np.full((_EDGE, _EDGE, 3), shade, np.uint8) for shade in shades)
    try:
        encode(path, frames, size=(_EDGE, _EDGE), fps=5)
    except (av.FFmpegError, ValueError, OSError) as error:
        raise ConfigError(f"H.264 cannot be written ({error}); install av anew, from its wheel") from error
    movie = open_movie(str(path))
    return len(movie.read(0, movie.shape[0]))
