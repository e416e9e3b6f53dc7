"""Label images -> outlines that give the same pixels again: polygons along pixel edges, or run lengths.

Both are made of runs along lines of the image, found a band of lines at a time: memory follows what is
drawn rather than the image, and what is drawn has a bound.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float, Int, Integer

from serve.problems import Problem

Ring = Float[np.ndarray, "n 2"]
Labels = Integer[np.ndarray, "y x"]

MOST_CORNERS = 2**21
"""Of all outlines of an answer: some 30 MB of JSON. Run lengths count as two each."""
_BAND_PIXELS = 2**20


@dataclass(frozen=True, slots=True)
class _Sides:
    """Straight pieces of outlines, each as long as it can be: corner numbers, and whose they are."""

    starts: Int[np.ndarray, " n"]
    ends: Int[np.ndarray, " n"]
    directions: Int[np.ndarray, " n"]
    owners: Int[np.ndarray, " n"]


def polygons(labels: Labels, *, most: int = MOST_CORNERS) -> list[list[Ring]]:
    """Return the rings of each label 1 … n: closed, y, x, corners of pixels (at halves).

    By the even-odd rule they hold the centres of the label's pixels and of no others. Outer rings
    go clockwise as seen on a screen, holes the other way; pixels that meet at a corner alone are
    rings apart. A label without pixels has no ring.

    Raises:
        Problem: 422 if there are more than ``most`` corners.
    """
    rings: list[list[Ring]] = [[] for _ in range(int(labels.max(initial=0)))]
    sides = _sides(labels, most)
    order, bounds = _cycles(_following(sides))
    places = np.stack(np.divmod(sides.starts[order], labels.shape[1] + 1), axis=1) - 0.5
    owners = sides.owners[order[bounds[:-1]]].tolist()
    for owner, first, last in zip(owners, bounds[:-1], bounds[1:], strict=True):
        rings[owner - 1].append(places[first:last])
    return rings


def run_lengths(labels: Labels, *, most: int = MOST_CORNERS) -> list[list[int]]:
    """Return the lengths of runs by columns, background first, of each label 1 … n: COCO's uncompressed form.

    Raises:
        Problem: 422 if there are more than ``most`` lengths.
    """
    height, width = labels.shape
    count = int(labels.max(initial=0))
    found = list(_runs(labels.T, most=most // 2))
    lines, begins, ends, owners = (np.concatenate(part) for part in zip(*found, strict=True))
    order = np.argsort(owners, kind="stable")
    bounds = np.stack([lines * height + begins, lines * height + ends], axis=1)[order]
    parts = np.searchsorted(owners[order], np.arange(1, count + 2))
    return [_lengths(bounds[first:last], height * width) for first, last in pairwise(parts)]


def run_lengths_in(
    labels: Labels, corner: tuple[int, int], shape: tuple[int, int], *, most: int = MOST_CORNERS
) -> list[int]:
    """Return the run lengths of label 1 in an image of ``shape`` that holds only ``labels``, at ``corner``.

    Raises:
        Problem: See :func:`run_lengths`.
    """
    found = list(_runs(labels.T, most=most // 2))
    lines, begins, ends, _ = (np.concatenate(part) for part in zip(*found, strict=True))
    first = (lines + corner[1]) * shape[0] + corner[0]
    return _lengths(np.stack([first + begins, first + ends], axis=1), shape[0] * shape[1])


def check_encodable(count: int, most: int = 65_535) -> None:
    """Refuse a 16-bit image of more instances than it can hold.

    Raises:
        Problem: 422.
    """
    if count > most:
        raise Problem(
            "cannot-be", f"{count} instances do not fit in a PNG of 16 bit ({most}); ask for image/tiff"
        )


def _lengths(bounds: Int[np.ndarray, "n 2"], size: int) -> list[int]:
    """Return the run lengths of a mask whose runs begin and end there, in order."""
    inner = bounds.ravel()
    apart = np.concatenate([[True], bounds[1:, 0] != bounds[:-1, 1], [True]])
    # A run to a column's end goes on where the next column begins with one.
    inner = inner[np.stack([apart[:-1], apart[1:]], axis=1).ravel()] if len(bounds) else inner
    lengths: list[int] = np.diff(np.concatenate([[0], inner, [size]])).tolist()
    return lengths if lengths[-1] or len(lengths) == 1 else lengths[:-1]


def _sides(labels: Labels, most: int) -> _Sides:
    """Return all sides: tops go right, right sides down, bottoms left, left sides up.

    With these turns a body lies on the right of its outline.
    """
    wide, turned = labels.shape[1] + 1, labels.T
    parts, count = [], 0
    for direction, (image, before) in enumerate(
        ((labels, True), (turned, False), (labels, False), (turned, True))
    ):
        for lines, begins, ends, owners in _runs(image, beside=-1 if before else 1, most=most - count):
            across = lines + (0 if before else 1)
            if direction % 2:
                begins, ends = begins * wide + across, ends * wide + across
            else:
                begins, ends = across * wide + begins, across * wide + ends
            backward = direction >= 2
            parts.append((ends, begins, direction, owners) if backward else (begins, ends, direction, owners))
            count += len(owners)
    directions = np.concatenate([np.full(len(part[3]), part[2]) for part in parts])
    starts, ends, owners = (np.concatenate([part[n] for part in parts]) for n in (0, 1, 3))
    return _Sides(starts, ends, directions, owners)


def _runs(
    image: Labels, *, most: int, beside: int = 0
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """Yield line, begin, end and label of runs of one label along lines, a band of lines at a time.

    With ``beside`` -1 or 1 only those pixels count whose neighbour in the line before or after is
    another: the runs are sides of bodies.

    Raises:
        Problem: 422 if there are more than ``most``.
    """
    lines, length = image.shape
    step, count = max(1, _BAND_PIXELS // max(1, length)), 0
    for first in range(0, lines, step):
        own = np.ascontiguousarray(image[first : first + step])
        within = own != 0
        if beside:
            within &= own != _shifted(image, first + beside, len(own))
        goes_on = within[:, 1:] & within[:, :-1] & (own[:, 1:] == own[:, :-1])
        begins, ends = within.copy(), within
        begins[:, 1:] &= ~goes_on
        count += int(np.count_nonzero(begins))
        if count > most:
            raise _too_ragged()
        line, begin = np.nonzero(begins)
        owners = own[line, begin].astype(np.int64)
        ends[:, :-1] &= ~goes_on
        yield line + first, begin, np.nonzero(ends)[1] + 1, owners


def _shifted(image: Labels, first: int, count: int) -> Labels:
    """Return lines of an image that has no labels outside of it."""
    out = np.zeros((count, image.shape[1]), image.dtype)
    low, high = max(first, 0), min(first + count, len(image))
    out[low - first : high - first] = image[low:high]
    return out


def _following(sides: _Sides) -> Int[np.ndarray, " n"]:
    """Return the side that comes after each side of the same label.

    Where two of them begin (pixels that meet at a corner) it is the one that turns right.
    """
    begin = sides.starts * 4 + sides.directions
    order = np.argsort(begin)
    begin = begin[order]
    after = np.full(len(begin), -1)
    for turn in (3, 1):  # left, and right where that can be
        place = np.searchsorted(begin, sides.ends * 4 + (sides.directions + turn) % 4)
        next_one = order[np.minimum(place, len(begin) - 1)]
        same = (sides.starts[next_one] == sides.ends) & (sides.owners[next_one] == sides.owners)
        same &= sides.directions[next_one] == (sides.directions + turn) % 4
        after[same] = next_one[same]
    assert (after >= 0).all()
    return after


def _cycles(following: Int[np.ndarray, " n"]) -> tuple[Int[np.ndarray, " n"], list[int]]:
    """Return all sides, cycle by cycle and in order, and where each cycle begins and the last one ends."""
    after = following.tolist()
    seen = bytearray(len(after))
    order, bounds = [], [0]
    for first in range(len(after)):
        if seen[first]:
            continue
        side = first
        while not seen[side]:
            seen[side] = 1
            order.append(side)
            side = after[side]
        bounds.append(len(order))
    return np.array(order, np.int64), bounds


def _too_ragged() -> Problem:
    return Problem(
        "cannot-be",
        f"the outlines have more than {MOST_CORNERS} corners; ask for outlines = none, or for image/tiff",
    )
