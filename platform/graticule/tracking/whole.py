"""A movie in memory -> identities: the stages of the pipeline one after the other, without it."""

import numpy as np
from jaxtyping import Num, UInt32

from graticule.core.lineage import Carried, Lineage
from graticule.core.tracker import Tracker


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
    followed = (
        tracker.follow(
            images[window.start : window.stop, *window.read],
            labels[window.start : window.stop, *window.read],
            window=window,
            width=width,
            pixel_size_nm=pixel_size_nm,
        )
        for window in tracker.windows((frames, height, width))
    )
    return tracker.resolve(observed, frames=frames, shape=(height, width), followed=followed)


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
