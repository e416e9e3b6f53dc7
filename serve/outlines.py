"""Label images -> outlines that give the same pixels again: polygons along pixel edges, or run lengths."""

import numpy as np
from jaxtyping import Bool, Float, Int, UInt32

from serve.problems import Problem

Ring = Float[np.ndarray, "n 2"]

_STEPS = np.array([[0, 1], [1, 0], [0, -1], [-1, 0]])
"""Right, down, left, up: with these turns a body lies on the right of its outline."""


def polygons(labels: UInt32[np.ndarray, "y x"]) -> list[list[Ring]]:
    """Return the rings of each label 1 … n: closed, y, x, corners of pixels (at halves).

    By the even-odd rule they hold the centres of the label's pixels and of no others. Outer rings
    go clockwise as seen on a screen, holes the other way; pixels that meet at a corner alone are
    rings apart. A label without pixels has no ring.
    """
    count = int(labels.max(initial=0))
    rings: list[list[Ring]] = [[] for _ in range(count)]
    starts, directions, owners = _edges(labels)
    if not len(owners):
        return rings
    following = _following(starts, directions, owners, width=labels.shape[1] + 1)
    turns = directions[following] != directions
    for ring in _cycles(following, turns):
        # The corner that ends edge k is where the edge after it begins.
        rings[owners[ring[0]] - 1].append(starts[following[ring]] - 0.5)
    return rings


def runs(mask: Bool[np.ndarray, "y x"]) -> list[int]:
    """Return the lengths of runs by columns, background first: COCO's uncompressed form."""
    flat = mask.ravel(order="F")
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    lengths = np.diff(np.concatenate([[0], changes, [flat.size]]))
    return [*([0] if flat.size and flat[0] else []), *lengths.tolist()]


def runs_in_box(mask: Bool[np.ndarray, "h w"], corner: tuple[int, int], shape: tuple[int, int]) -> list[int]:
    """Return :func:`runs` of an image of ``shape`` that is empty but for ``mask`` at ``corner``."""
    height, width = shape
    rows, columns = np.nonzero(mask.T)[::-1]
    places = (columns + corner[1]) * height + rows + corner[0]
    if not len(places):
        return [height * width]
    begins = np.concatenate([[True], np.diff(places) > 1])
    first = places[begins]
    last = places[np.concatenate([begins[1:], [True]])] + 1
    bounds = np.stack([first, last], axis=1).ravel()
    lengths = np.diff(np.concatenate([[0], bounds, [height * width]])).tolist()
    return [int(length) for length in (lengths if lengths[-1] else lengths[:-1])]


def _edges(
    labels: np.ndarray,
) -> tuple[Int[np.ndarray, "n 2"], Int[np.ndarray, " n"], Int[np.ndarray, " n"]]:
    """Return where each edge between two labels begins, which way it goes, and whose it is."""
    padded = np.pad(labels, 1).astype(np.int64)
    inner = padded[1:-1, 1:-1]
    beside = (padded[:-2, 1:-1], padded[1:-1, 2:], padded[2:, 1:-1], padded[1:-1, :-2])
    corners = ((0, 0), (0, 1), (1, 1), (1, 0))
    starts, directions, owners = [], [], []
    for direction, (other, corner) in enumerate(zip(beside, corners, strict=True)):
        y, x = np.nonzero((inner != 0) & (inner != other))
        starts.append(np.stack([y + corner[0], x + corner[1]], axis=1))
        directions.append(np.full(len(y), direction))
        owners.append(inner[y, x])
    return np.concatenate(starts), np.concatenate(directions), np.concatenate(owners)


def _following(
    starts: np.ndarray, directions: np.ndarray, owners: np.ndarray, *, width: int
) -> Int[np.ndarray, " n"]:
    """Return the edge that comes after each edge of the same label.

    Where two of them begin (pixels that meet at a corner) it is the one that turns right.
    """
    begin = _key(starts, directions, owners, width)
    order = np.argsort(begin)
    begin = begin[order]
    ends = starts + _STEPS[directions]
    after = np.full(len(owners), -1)
    for turn in (1, 0, 3):  # right, straight on, left
        wanted = _key(ends, (directions + turn) % 4, owners, width)
        place = np.minimum(np.searchsorted(begin, wanted), len(begin) - 1)
        found = (begin[place] == wanted) & (after < 0)
        after[found] = order[place[found]]
    assert (after >= 0).all()
    return after


def _key(places: np.ndarray, directions: np.ndarray, owners: np.ndarray, width: int) -> np.ndarray:
    key: np.ndarray = ((places[:, 0] * width + places[:, 1]) * 4 + directions) * (
        int(owners.max()) + 1
    ) + owners
    return key


def _cycles(following: np.ndarray, turns: np.ndarray) -> list[list[int]]:
    """Return each cycle's edges that are followed by a turn, in order."""
    after, turning = following.tolist(), turns.tolist()
    seen = bytearray(len(after))
    found = []
    for first in range(len(after)):
        if seen[first]:
            continue
        ring, edge = [], first
        while not seen[edge]:
            seen[edge] = 1
            if turning[edge]:
                ring.append(edge)
            edge = after[edge]
        found.append(ring)
    return found


def check_encodable(count: int, most: int = 65_535) -> None:
    """Refuse a 16-bit image of more instances than it can hold.

    Raises:
        Problem: 422.
    """
    if count > most:
        raise Problem(
            "cannot-be", f"{count} instances do not fit in a PNG of 16 bit ({most}); ask for image/tiff"
        )
