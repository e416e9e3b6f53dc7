"""A label image as horizontal segments: the small form in which bodies are measured.

A segment is a run of pixels in one row that belong to one body and to one instance. A
frame of 512 x 512 pixels with 100 particles has some 2,000 of them, and every sum over
pixels has a closed form per segment.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int, Integer


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Segments:
    """Segments of all bodies of a frame, sorted by body, then row, then column.

    ``body`` counts the ids in ``tracks`` (ascending); a segment covers columns
    [start, stop) of ``row`` and carries ``instance``.
    """

    tracks: Int[np.ndarray, " bodies"]
    body: Int[np.ndarray, " n"]
    instance: Int[np.ndarray, " n"]
    row: Int[np.ndarray, " n"]
    start: Int[np.ndarray, " n"]
    stop: Int[np.ndarray, " n"]

    @property
    def length(self) -> Int[np.ndarray, " n"]:
        """Pixels in each segment."""
        length: np.ndarray = self.stop - self.start
        return length

    def total(self, values: np.ndarray) -> np.ndarray:
        """Sum a value per segment over each body; whole numbers stay exact below 2**53."""
        return np.bincount(self.body, values, len(self.tracks)).astype(np.float64)


def cut_into_segments(tracks: Integer[np.ndarray, "y x"], instances: Integer[np.ndarray, "y x"]) -> Segments:
    """Cut the bodies of a frame, given by ``tracks`` (0 is background), into segments."""
    width = tracks.shape[1]
    flat, pieces = tracks.ravel(), instances.ravel()
    begins = np.empty(flat.size, bool)
    begins[1:] = (flat[1:] != flat[:-1]) | (pieces[1:] != pieces[:-1])
    begins[::width] = True
    first = np.flatnonzero(begins)
    last = np.append(first[1:], flat.size)
    inside = flat[first] != 0
    first, last = first[inside], last[inside]
    ids, body = np.unique(flat[first].astype(np.int64), return_inverse=True)
    order = np.argsort(body, kind="stable")
    first, last = first[order], last[order]
    row = first // width
    return Segments(
        tracks=ids,
        body=body[order],
        instance=pieces[first].astype(np.int64),
        row=row,
        start=first - row * width,
        stop=last - row * width,
    )
