"""What one window found: the labels it writes, and a band of labels around them."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt32

from graticule.core.window import Box, Window, relative
from graticule.tiling.windows import BAND


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Part:
    """One window's answer, as small as stitching allows.

    ``labels`` covers ``outer``: the write box grown by :data:`BAND`, clipped to what the
    window trusted. Ids count from 1 in each frame.
    """

    start: int
    stop: int
    write: Box
    outer: Box
    labels: UInt32[np.ndarray, "t y x"]

    @property
    def own(self) -> UInt32[np.ndarray, "t y x"]:
        """The labels of the write box."""
        return self.seen(self.write)

    def seen(self, box: Box) -> UInt32[np.ndarray, "t y x"]:
        """Return this window's labels in ``box`` (frame pixels), which lies in ``outer``."""
        return self.labels[(slice(None), *relative(box, self.outer))]

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return plain arrays by name, as ``numpy.savez`` takes them."""
        return {
            "labels": self.labels,
            "place": np.array([self.start, self.stop, *_edges(self.write), *_edges(self.outer)]),
        }

    @classmethod
    def from_arrays(cls, arrays: "dict[str, np.ndarray]") -> "Part":
        """Return the part that :meth:`to_arrays` took apart."""
        start, stop, *edges = (int(value) for value in arrays["place"])
        write, outer = _box(edges[:4]), _box(edges[4:])
        return cls(start=start, stop=stop, write=write, outer=outer, labels=arrays["labels"])


def part_of(window: Window, labels: UInt32[np.ndarray, "t y x"]) -> Part:
    """Return what stitching needs of a window's answer.

    Args:
        window: The window.
        labels: Instance labels of its trusted box, local to each frame; 0 is background.
    """
    trusted = window.trusted
    height, width = trusted[0].stop - trusted[0].start, trusted[1].stop - trusted[1].start
    if labels.shape != (window.frames, height, width):
        raise ValueError(f"labels {labels.shape} do not fill the trusted box of {window.key}")
    y, x = (
        slice(max(w.start - BAND, t.start), min(w.stop + BAND, t.stop))
        for w, t in zip(window.write, trusted, strict=True)
    )
    outer = (y, x)
    kept = np.ascontiguousarray(labels[(slice(None), *relative(outer, trusted))])
    for frame in kept:
        frame[...] = _compact(frame)
    return Part(start=window.start, stop=window.stop, write=window.write, outer=outer, labels=kept)


def _compact(frame: np.ndarray) -> np.ndarray:
    present = np.zeros(int(frame.max(initial=0)) + 1, bool)
    present[frame] = True
    present[0] = False
    renamed = np.where(present, np.cumsum(present), 0).astype(np.uint32)
    return np.asarray(renamed[frame])


def _edges(box: Box) -> tuple[int, int, int, int]:
    return box[0].start, box[0].stop, box[1].start, box[1].stop


def _box(edges: list[int]) -> Box:
    return slice(edges[0], edges[1]), slice(edges[2], edges[3])
