"""What runs of frames say: instances and drift, who overlaps whom next, who touches whom.

All functions return columns by name, one entry per instance or pair, in a fixed order: those of
a run, from which trackers take what they need, and those of a frame that they are made of.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Num, UInt32

from graticule.registration.drift import drift_steps

Columns = dict[str, np.ndarray]


def run_instances(
    images: Num[np.ndarray, "t y x"], labels: UInt32[np.ndarray, "t y x"], *, first: int
) -> Columns:
    """Return instances and drift of frames first … first + t - 1."""
    steps, measured = drift_steps(images)
    return {
        "first": np.array(first, dtype=np.int64),
        "steps": steps,
        "steps_measured": measured,
        **stack("instance", [frame_instances(frame) for frame in labels], first),
    }


def run_contacts(labels: UInt32[np.ndarray, "t y x"], *, first: int) -> Columns:
    """Return who touches whom in frames first … first + t - 1."""
    return stack("contact", [frame_contacts(frame) for frame in labels], first)


def run_overlaps(
    labels: UInt32[np.ndarray, "t y x"], steps: Float[np.ndarray, "p 2"], *, first: int
) -> Columns:
    """Return who overlaps whom of the frame after, in frames first … first + t - 2.

    ``steps`` are the drift from each frame to the next.
    """
    pairs = zip(labels[:-1], labels[1:], steps, strict=True)
    return stack("overlap", [frame_overlaps(a, b, step=step) for a, b, step in pairs], first)


def frame_instances(labels: UInt32[np.ndarray, "y x"]) -> Columns:
    """Return ``label, area, y, x, border`` of each instance; centroids in px, border as bool."""
    width = labels.shape[1]
    flat = labels.ravel()
    where = np.flatnonzero(flat)
    of = flat[where]
    area = np.bincount(of)
    label = np.flatnonzero(area)
    sums = [np.bincount(of, weights=part) for part in np.divmod(where, width)]
    edge = np.zeros(len(area), dtype=np.bool_)
    for side in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        edge[side[side > 0]] = True
    return {
        "label": label.astype(np.uint32),
        "area": area[label].astype(np.int64),
        "y": sums[0][label] / area[label],
        "x": sums[1][label] / area[label],
        "border": edge[label],
    }


def frame_overlaps(
    a: UInt32[np.ndarray, "y x"], b: UInt32[np.ndarray, "y x"], *, step: Float[np.ndarray, "2"]
) -> Columns:
    """Return ``a, b, pixels``: labels that share pixels once ``a`` moved by the rounded step."""
    (from_y, to_y), (from_x, to_x) = (
        _common(int(move), size) for move, size in zip(np.rint(step), a.shape, strict=True)
    )
    before, after = a[from_y, from_x], b[to_y, to_x]
    both = (before > 0) & (after > 0)
    first, second, pixels = _counted_pairs(before[both], after[both])
    return {"a": first, "b": second, "pixels": pixels}


def frame_contacts(labels: UInt32[np.ndarray, "y x"]) -> Columns:
    """Return ``a, b, length``: pairs (a < b) whose pixels are neighbours (8-neighbourhood).

    ``length`` is that of the neck in px, right for a straight one in any direction:
    ``hypot`` of the shared pixel sides across x and across y, 1 if only corners meet.
    Instances with background between them, however narrow, do not touch.
    """
    sides = [_touching(labels[:, :-1], labels[:, 1:]), _touching(labels[:-1], labels[1:])]
    corners = [
        _touching(labels[:-1, :-1], labels[1:, 1:]),
        _touching(labels[:-1, 1:], labels[1:, :-1]),
    ]
    keys, which = np.unique(np.concatenate(sides + corners), return_inverse=True)
    counts = np.zeros((len(sides), len(keys)))
    start = 0
    for row, side in enumerate(sides):
        counts[row] = np.bincount(which[start : start + len(side)], minlength=len(keys))
        start += len(side)
    a, b = _unpacked(keys)
    return {"a": a, "b": b, "length": np.maximum(np.hypot(*counts), 1.0)}


def stack(kind: str, frames: Sequence[Columns], first: int) -> Columns:
    """Return the columns of all frames end to end, named ``kind_column``, with ``kind_frame``."""
    if not frames:
        return {}
    columns = {f"{kind}_{name}": np.concatenate([frame[name] for frame in frames]) for name in frames[0]}
    sizes = [len(next(iter(frame.values()))) for frame in frames]
    columns[f"{kind}_frame"] = np.repeat(np.arange(first, first + len(frames), dtype=np.int64), sizes)
    return columns


def _common(move: int, size: int) -> tuple[slice, slice]:
    move = max(-size, min(size, move))
    return slice(max(-move, 0), size - max(move, 0)), slice(max(move, 0), size - max(-move, 0))


def _touching(a: UInt32[np.ndarray, "y x"], b: UInt32[np.ndarray, "y x"]) -> Num[np.ndarray, " n"]:
    touch = (a != b) & (a > 0) & (b > 0)
    first, second = a[touch], b[touch]
    return _packed(np.minimum(first, second), np.maximum(first, second))


def _counted_pairs(
    a: UInt32[np.ndarray, " n"], b: UInt32[np.ndarray, " n"]
) -> tuple[UInt32[np.ndarray, " m"], UInt32[np.ndarray, " m"], Num[np.ndarray, " m"]]:
    keys, counts = np.unique(_packed(a, b), return_counts=True)
    return *_unpacked(keys), counts.astype(np.int64)


def _packed(a: UInt32[np.ndarray, " n"], b: UInt32[np.ndarray, " n"]) -> Num[np.ndarray, " n"]:
    return np.asarray((a.astype(np.uint64) << np.uint64(32)) | b)


def _unpacked(keys: Num[np.ndarray, " n"]) -> tuple[UInt32[np.ndarray, " n"], UInt32[np.ndarray, " n"]]:
    return (keys >> np.uint64(32)).astype(np.uint32), (keys & np.uint64(0xFFFFFFFF)).astype(np.uint32)
