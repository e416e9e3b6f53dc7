"""A movie in memory -> identities: the stages of the pipeline one after the other, without it."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Num, UInt32

from graticule.core.lineage import Carried, Lineage
from graticule.core.tracker import FollowingTracker, Tracker
from graticule.core.window import Window
from graticule.tiling.windows import tile_windows

MARGIN_PX = 96
"""What a window of a following tracker sees beyond its share."""


def track(
    tracker: Tracker,
    images: Num[np.ndarray, "t y x"],
    labels: UInt32[np.ndarray, "t y x"],
    *,
    pixel_size_nm: float | None = None,
) -> Lineage:
    """Return who is who in a movie that fits into memory."""
    frames, height, width = labels.shape
    observed = [tracker.observe(images, labels, first=0)]
    if not isinstance(tracker, FollowingTracker):
        return tracker.resolve(observed, frames=frames, shape=(height, width))
    followed = (
        tracker.follow(
            images[window.start : window.stop, *window.read],
            labels[window.start : window.stop, *window.read],
            window=window,
            width=width,
            pixel_size_nm=pixel_size_nm,
        )
        for window in windows_of(tracker, (frames, height, width))
    )
    return tracker.resolve(observed, frames=frames, shape=(height, width), followed=followed)


def windows_of(tracker: FollowingTracker, movie: tuple[int, int, int]) -> Iterator[Window]:
    """Yield the windows of a movie (t, y, x): each pair of frames is the share of one run."""
    frames, height, width = movie
    length, lead = tracker.window_frames, tracker.lead_frames
    runs = [
        (max(start - lead, 0), min(start + length + 1, frames))
        for start in range(0, max(frames - 1, 1), length)
    ]
    yield from tile_windows((height, width), frames=runs, size=tracker.window_px, context=0, margin=MARGIN_PX)


def painted(
    instances: UInt32[np.ndarray, "t y x"], lineage: Lineage, *, first: int = 0
) -> UInt32[np.ndarray, "t y x"]:
    """Return the track of each pixel of frames ``first`` …, carried particles included."""
    tracks = np.empty_like(instances)
    for t, frame in enumerate(instances):
        mine = slice(*np.searchsorted(lineage.frame, (first + t, first + t + 1)))
        label, track = lineage.label[mine].astype(np.int64), lineage.track[mine]
        seen = label <= int(frame.max(initial=0))
        table = np.zeros(int(frame.max(initial=0)) + 1, np.uint32)
        table[label[seen]] = track[seen]
        np.take(table, frame, out=tracks[t])
        _carry(tracks[t], lineage.carried, first + t, label, track)
    return tracks


def _carry(tracks: np.ndarray, carried: Carried, frame: int, label: np.ndarray, track: np.ndarray) -> None:
    flat = tracks.reshape(-1)
    rows = np.flatnonzero(carried.frame == frame)
    whose = track[np.searchsorted(label, carried.label[rows])]
    for start, stop, name in zip(carried.start[rows], carried.stop[rows], whose, strict=True):
        flat[start:stop] = name
