"""Join the answers of windows: an instance cut by a face becomes one.

Two windows have both looked at the band along their common face. Where they give the same
pixel to an instance, the two names mean one body. ``DESIGN.md`` argues why this is exact.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Int, UInt32
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from graticule.core.window import Box
from graticule.tiling.part import Part


def stitch(parts: Sequence[Part], shape: tuple[int, int]) -> UInt32[np.ndarray, "t y x"]:
    """Return the labels of whole frames from those of their windows.

    Ids count from 1 in each frame, in raster order of their first pixel; they depend
    neither on the order of the parts nor, where windows agree, on the tiling.

    Args:
        parts: The windows of one run of frames, all of them, in any order.
        shape: Frame height and width, in pixels.

    Raises:
        ValueError: If the parts are of different runs or do not tile the frame.
    """
    parts = sorted(parts, key=lambda part: (part.write[0].start, part.write[1].start))
    _check_cover(parts, shape)
    bases = [_bases(part) for part in parts]
    nodes = np.cumsum([0, *(int(base[-1]) for base in bases)])
    names = _unite(parts, bases, nodes)
    frames = parts[0].stop - parts[0].start
    labels = np.empty((frames, *shape), np.uint32)
    for part, base, first in zip(parts, bases, nodes, strict=False):
        labels[(slice(None), *part.write)] = _renamed(part.own, base + first, names)
    return numbered_in_raster_order(labels)


def numbered_in_raster_order(labels: UInt32[np.ndarray, "t y x"]) -> UInt32[np.ndarray, "t y x"]:
    """Return ``labels`` with ids 1 … n in each frame, in the order of their first pixels."""
    out = np.empty_like(labels)
    for frame, target in zip(labels, out, strict=True):
        flat = frame.ravel()
        seen = np.flatnonzero(flat)
        first = np.full(int(flat.max(initial=0)) + 1, flat.size)
        first[flat[seen[::-1]]] = seen[::-1]  # the last assignment, the first pixel, wins
        order = np.argsort(first, kind="stable")[: np.count_nonzero(first < flat.size)]
        new = np.zeros(first.size, np.uint32)
        new[order] = np.arange(1, order.size + 1)
        target[...] = new[frame]
    return out


def _check_cover(parts: Sequence[Part], shape: tuple[int, int]) -> None:
    if len({(part.start, part.stop) for part in parts}) != 1:
        raise ValueError("stitch needs the windows of exactly one run of frames")
    written = np.zeros(shape, np.uint8)
    for part in parts:
        written[part.write] += 1
    if (written != 1).any():
        raise ValueError("the windows do not write every pixel exactly once")


def _bases(part: Part) -> Int[np.ndarray, " t1"]:
    """What to add to each frame's labels to make them unique in the part; last: how many."""
    return np.concatenate([[0], np.cumsum(part.labels.max(axis=(1, 2), initial=0), dtype=np.int64)])


def _renamed(labels: np.ndarray, base: np.ndarray, names: np.ndarray) -> np.ndarray:
    nodes = labels + base[:-1, None, None]
    return np.where(labels > 0, names[nodes], 0).astype(np.uint32)


def _unite(parts: Sequence[Part], bases: list[np.ndarray], nodes: np.ndarray) -> Int[np.ndarray, " n"]:
    """Return for every node (counted from 1) the name of the body it belongs to."""
    total = int(nodes[-1])
    pairs = [np.empty((2, 0), np.int64)]
    touching = (
        [_in_contact(part, base) for part, base in zip(parts, bases, strict=True)] if len(parts) > 1 else []
    )
    for i, j in _neighbours(parts):
        a, b = parts[i], parts[j]
        views = [_views(a, bases[i], b, bases[j], box) for box in _shared(a, b)]
        if views:
            both = np.concatenate(views, axis=1)
            agreed = _agreements(both, touching[i], touching[j])
            pairs.append(agreed + nodes[[i, j], None])
    a_node, b_node = np.concatenate(pairs, axis=1)
    graph = coo_array((np.ones(a_node.size, bool), (a_node, b_node)), shape=(total + 1, total + 1))
    names: np.ndarray = connected_components(graph, directed=False)[1]
    return names + 1


def _neighbours(parts: Sequence[Part]) -> Iterator[tuple[int, int]]:
    """Yield the pairs of parts of which one has seen what the other writes."""
    y, x = (
        np.array([[(p.write[k].start, p.write[k].stop), (p.outer[k].start, p.outer[k].stop)] for p in parts])
        for k in (0, 1)
    )
    for i in range(len(parts)):
        meets = _overlap(y[i, 0], y[i:, 1]) & _overlap(x[i, 0], x[i:, 1])
        meets |= _overlap(y[i, 1], y[i:, 0]) & _overlap(x[i, 1], x[i:, 0])
        yield from ((i, i + int(j)) for j in np.flatnonzero(meets) if j)


def _overlap(one: np.ndarray, others: np.ndarray) -> np.ndarray:
    return np.asarray((others[:, 0] < one[1]) & (one[0] < others[:, 1]))


def _shared(a: Part, b: Part) -> Iterator[Box]:
    """Yield the boxes that both have seen and one of them writes."""
    for mine, other in ((a.write, b.outer), (a.outer, b.write)):
        y, x = (slice(max(m.start, o.start), min(m.stop, o.stop)) for m, o in zip(mine, other, strict=True))
        if y.start < y.stop and x.start < x.stop:
            yield y, x


def _views(a: Part, a_base: np.ndarray, b: Part, b_base: np.ndarray, box: Box) -> Int[np.ndarray, "2 n"]:
    """Return what each of the two calls the pixels of ``box``: nodes of the part, 0 is background."""
    seen = (
        np.where(labels > 0, labels + base[:-1, None, None], 0).ravel()
        for labels, base in ((a.seen(box), a_base), (b.seen(box), b_base))
    )
    return np.stack(list(seen))


def _agreements(
    views: Int[np.ndarray, "2 n"], a_touches: np.ndarray, b_touches: np.ndarray
) -> Int[np.ndarray, "2 m"]:
    """Return the pairs of nodes that name one body.

    A free-standing instance is the same body wherever a pixel is shared. Where instances
    touch, two windows may draw the line between them a little differently, so there the
    shared pixels must be most of what either shows there.
    """
    a, b = views
    both = (a > 0) & (b > 0)
    width = b_touches.size
    keys, shared = np.unique(a[both] * width + b[both], return_counts=True)
    a_node, b_node = np.divmod(keys, width)
    larger = np.maximum(np.bincount(a, minlength=1)[a_node], np.bincount(b, minlength=1)[b_node])
    free = ~(a_touches[a_node] | b_touches[b_node])
    same = free | (2 * shared > larger)
    return np.stack([a_node[same], b_node[same]])


def _in_contact(part: Part, base: np.ndarray) -> np.ndarray:
    """Return for every node of a part whether it touches another one (8 neighbours)."""
    touches = np.zeros(int(base[-1]) + 1, bool)
    labels = part.labels
    here = (labels[:, :, :-1], labels[:, :-1], labels[:, :-1, :-1], labels[:, :-1, 1:])
    there = (labels[:, :, 1:], labels[:, 1:], labels[:, 1:, 1:], labels[:, 1:, :-1])
    for one, other in zip(here, there, strict=True):
        t, y, x = np.nonzero((one != other) & (one > 0) & (other > 0))
        touches[one[t, y, x] + base[t]] = True
        touches[other[t, y, x] + base[t]] = True
    return touches
