"""What was observed, with what the network carried: instances never seen, links through them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int

from graticule.core.lineage import Carried
from graticule.core.tracker import Observations

LINK = ("frame", "from_frame", "from_label", "to", "pixels")
CARRIED = ("frame", "from_frame", "from_label", "area", "y", "x")
RUN = ("carried", "start", "stop")
"""Columns of the rows of a window, see :func:`graticule.tracking.deaot.views.follow_window`."""
CARRIED_LABEL = 2**31
"""Labels from here on stand for carried particles, which have none in ``labels/instances``."""
_FOUND_AGAIN = 0.25
"""Part of a carried particle that an instance must cover to be it, come back."""
_WIDTH = 2**32


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Followed:
    """The rows of all windows: each link and each carried particle once, sorted by frame."""

    links: dict[str, np.ndarray]
    carried: dict[str, np.ndarray]
    runs: Carried

    @classmethod
    def of(cls, windows: Iterable[Observations]) -> "Followed":
        """Join windows; of carried particles only those stay that were seen again later."""
        kinds = {"link": LINK, "carried": CARRIED, "run": RUN}
        none = np.zeros(0, np.int64)
        gathered = {f"{kind}_{name}": [none] for kind, names in kinds.items() for name in names}
        count = 0
        for window in windows:
            for name, values in window.items():
                shifted = values + count if name == "run_carried" else values
                gathered[name].append(shifted)
            count += len(window["carried_frame"])
        whole = {name: np.concatenate(parts) for name, parts in gathered.items()}
        links, carried, runs = (
            {name.removeprefix(kind): part for name, part in whole.items() if name.startswith(kind)}
            for kind in ("link_", "carried_", "run_")
        )
        kept = _once(carried) & _seen_again(carried, links)
        label = _labels(carried, kept)
        mine = kept[runs["carried"]]
        rows = runs["carried"][mine]
        return cls(
            links=_taken(links, np.lexsort((links["from_label"], links["from_frame"], links["frame"]))),
            carried=_taken(
                {**carried, "label": label},
                np.flatnonzero(kept)[np.lexsort((label[kept], carried["frame"][kept]))],
            ),
            runs=Carried(
                frame=carried["frame"][rows],
                label=label[rows].astype(np.uint32),
                start=runs["start"][mine],
                stop=runs["stop"][mine],
            ),
        )


def completed(observed: Iterable[Observations], followed: Followed) -> Iterator[Observations]:
    """Yield each run of frames with carried particles among its instances, and links for overlaps."""
    for run in observed:
        first = int(run["first"])
        last = first + len(run["steps"])
        instances = {name: values for name, values in run.items() if name.startswith("instance_")}
        both = _with_carried(instances, followed.carried, first, last)
        yield {**run, **both, **_overlaps(followed, first, last)}


def _with_carried(
    instances: dict[str, np.ndarray], carried: dict[str, np.ndarray], first: int, last: int
) -> dict[str, np.ndarray]:
    rows = slice(*np.searchsorted(carried["frame"], (first, last + 1)))
    more = {
        **{name: carried[name][rows] for name in ("frame", "label", "area", "y", "x")},
        "border": np.zeros(rows.stop - rows.start, np.bool_),
    }
    both = {
        name: np.concatenate([values, more[name.removeprefix("instance_")].astype(values.dtype)])
        for name, values in instances.items()
    }
    order = np.lexsort((both["instance_label"], both["instance_frame"]))
    return _taken(both, order)


def _overlaps(followed: Followed, first: int, last: int) -> dict[str, np.ndarray]:
    """Return overlaps of neighbouring frames first … last, carried particles among them."""
    links, carried = followed.links, followed.carried
    rows = slice(*np.searchsorted(links["frame"], (first + 1, last + 1)))
    link = {name: values[rows] for name, values in links.items()}
    more = slice(*np.searchsorted(carried["frame"], (first + 1, last + 1)))
    own = {name: values[more] for name, values in carried.items()}
    frame = np.concatenate([link["frame"], own["frame"]])
    source = {name: np.concatenate([link[name], own[name]]) for name in ("from_frame", "from_label")}
    to = np.concatenate([link["to"], own["label"]])
    pixels = np.concatenate([link["pixels"], own["area"]])
    a, known = _names_before(frame, source["from_frame"], source["from_label"], followed)
    pairs = np.stack([frame - 1, a, to], 1)[known]
    (frame, a, to), pixels = _summed(pairs, pixels[known])
    return {
        "overlap_frame": frame,
        "overlap_a": a.astype(np.uint32),
        "overlap_b": to.astype(np.uint32),
        "overlap_pixels": pixels,
    }


def _names_before(
    frame: Int[np.ndarray, " n"],
    from_frame: Int[np.ndarray, " n"],
    from_label: Int[np.ndarray, " n"],
    followed: Followed,
) -> tuple[Int[np.ndarray, " n"], Bool[np.ndarray, " n"]]:
    """Return each site's label in the frame before ``frame``, and whether it has one there.

    One that an instance swallowed goes by the name of that instance.
    """
    links, carried = followed.links, followed.carried
    label, known = from_label.copy(), from_frame == frame - 1
    wanted = set(_keys(frame[~known] - 1, from_frame[~known], from_label[~known]))
    least_first = np.argsort(links["pixels"], kind="stable")
    index: dict[tuple[int, ...], int] = {}
    for rows, column in ((_taken(links, least_first), "to"), (carried, "label")):
        keys = _keys(rows["frame"], rows["from_frame"], rows["from_label"])
        index |= {key: int(to) for key, to in zip(keys, rows[column], strict=True) if key in wanted}
    for row in np.flatnonzero(~known).tolist():
        name = index.get((int(frame[row]) - 1, int(from_frame[row]), int(from_label[row])))
        if name is not None:
            label[row], known[row] = name, True
    return label, known


def _summed(
    pairs: Int[np.ndarray, "n 3"], pixels: Int[np.ndarray, " n"]
) -> tuple[Int[np.ndarray, "3 m"], Int[np.ndarray, " m"]]:
    """Return each pair once, in order, with the pixels of all its rows."""
    once, row = np.unique(pairs, axis=0, return_inverse=True)
    total = np.zeros(len(once), np.int64)
    np.add.at(total, row.ravel(), pixels)
    return once.T, total


def _keys(*columns: np.ndarray) -> list[tuple[int, ...]]:
    return list(zip(*(column.tolist() for column in columns), strict=True))


def _once(carried: dict[str, np.ndarray]) -> Bool[np.ndarray, " n"]:
    """Return which rows are the first of their name: two views may both hold a site their own."""
    table = np.stack([carried[name] for name in ("frame", "from_frame", "from_label")], 1)
    _, first = np.unique(table, axis=0, return_index=True)
    return np.isin(np.arange(len(table)), first)


def _seen_again(carried: dict[str, np.ndarray], links: dict[str, np.ndarray]) -> Bool[np.ndarray, " n"]:
    """Return which carried particles an instance took over later; what only fades out is no sighting."""
    area = dict(
        zip(
            _keys(carried["frame"], carried["from_frame"], carried["from_label"]),
            carried["area"].tolist(),
            strict=True,
        )
    )
    last: dict[tuple[int, ...], int] = {}
    gap = links["frame"] - links["from_frame"] > 1
    names = _keys(*(links[name][gap] for name in ("frame", "from_frame", "from_label", "pixels")))
    for frame, from_frame, from_label, pixels in names:
        size = area.get((frame - 1, from_frame, from_label))
        if size is not None and pixels >= _FOUND_AGAIN * size:
            last[from_frame, from_label] = max(frame, last.get((from_frame, from_label), -1))
    rows = _keys(carried["frame"], carried["from_frame"], carried["from_label"])
    return np.array([frame < last.get((f, n), -1) for frame, f, n in rows], np.bool_)


def _labels(carried: dict[str, np.ndarray], kept: Bool[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
    """Return labels of carried particles: from :data:`CARRIED_LABEL` on, in each frame anew."""
    label = np.zeros(len(kept), np.int64)
    rows = np.flatnonzero(kept)
    order = rows[np.lexsort(tuple(carried[name][rows] for name in ("from_label", "from_frame", "frame")))]
    frame = carried["frame"][order]
    starts = np.searchsorted(frame, frame)
    label[order] = CARRIED_LABEL + np.arange(len(order)) - starts
    return label


def _taken(columns: dict[str, np.ndarray], rows: np.ndarray) -> dict[str, np.ndarray]:
    return {name: values[rows] for name, values in columns.items()}
