"""Windows of space and time that a tracker follows: each pair of frames is the share of one run."""

from graticule.core.window import Window
from graticule.tiling.windows import tile_windows

MARGIN_PX = 96
"""What a window sees beyond its share."""


def follow_windows(
    movie: tuple[int, int, int], *, frames: int, lead_frames: int, size_px: int
) -> list[Window]:
    """Return the windows of a movie (t, y, x).

    Args:
        movie: Its shape.
        frames: That a window goes on for.
        lead_frames: Before its share that a window begins with, so that it knows who was there;
            they speak for nothing, unless they begin the movie.
        size_px: Edge of the square that a window speaks for.
    """
    count, height, width = movie
    runs = [
        (max(start - lead_frames, 0), min(start + frames + 1, count))
        for start in range(0, max(count - 1, 1), frames)
    ]
    return list(tile_windows((height, width), frames=runs, size=size_px, context=0, margin=MARGIN_PX))
