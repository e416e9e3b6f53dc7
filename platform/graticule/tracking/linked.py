"""All instances of a movie and the links between neighbouring frames, as flat arrays.

Runs are taken in order; of two runs that share a frame the first one speaks for it.
Overlaps are used as they stream by and not kept: memory is linear in the instances.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int, UInt32

from graticule.core.tracker import Observations
from graticule.tracking.linking import Pairs, Side, best_host, link_pair
from graticule.tracking.settings import OverlapSettings


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class LinkedMovie:
    """Instances sorted by (frame, label), referred to by their position; -1 is none.

    ``host_after`` is the instance of the next frame that covers most of an instance,
    ``part_after`` the part covered; ``host_before, part_before`` the same in the frame
    before. ``motion_px`` is the typical step of a particle, drift removed.
    """

    frames: int
    drift: Float[np.ndarray, "t 2"]
    frame: Int[np.ndarray, " n"]
    label: UInt32[np.ndarray, " n"]
    area: Int[np.ndarray, " n"]
    centre: Float[np.ndarray, "n 2"]
    border: Bool[np.ndarray, " n"]
    before: Int[np.ndarray, " n"]
    after: Int[np.ndarray, " n"]
    host_before: Int[np.ndarray, " n"]
    part_before: Float[np.ndarray, " n"]
    host_after: Int[np.ndarray, " n"]
    part_after: Float[np.ndarray, " n"]
    contact_a: Int[np.ndarray, " c"]
    contact_b: Int[np.ndarray, " c"]
    contact_length: Float[np.ndarray, " c"]
    motion_px: float

    @property
    def radius(self) -> Float[np.ndarray, " n"]:
        """Radius of the disc of equal area, px."""
        return np.asarray(np.sqrt(self.area / np.pi))

    @property
    def place(self) -> Float[np.ndarray, "n 2"]:
        """Centroids on the specimen: drift removed."""
        return np.asarray(self.centre - self.drift[self.frame])


def link_movie(observed: Iterable[Observations], *, frames: int, settings: OverlapSettings) -> LinkedMovie:
    """Return the instances of all runs and their frame-to-frame links."""
    gathered = _Gathered(frames, settings)
    for run in observed:
        gathered.add(run)
    return gathered.movie()


class _Gathered:
    def __init__(self, frames: int, settings: OverlapSettings) -> None:
        self.settings = settings
        self.steps = np.zeros((frames, 2))
        self.motions = np.zeros(max(frames - 1, 0))
        self.next_frame, self.next_pair, self.count = 0, 0, 0
        self.columns: dict[str, list[Any]] = {}

    def add(self, run: Observations) -> None:
        first = int(run["first"])
        last = first + len(run["steps"])
        frame = run["instance_frame"]
        bounds = np.searchsorted(frame, np.arange(first, last + 2))
        base = self.count - int(bounds[self.next_frame - first]) if self.next_frame <= last else self.count
        new = frame >= self.next_frame
        self._keep_instances(run, new)
        self._keep_contacts(run, bounds, first, base)
        for index in range(max(self.next_pair, first), last):
            self.steps[index + 1] = run["steps"][index - first]
            self._link(run, index, bounds[index - first : index - first + 3], base)
        self.next_frame, self.next_pair = max(self.next_frame, last + 1), max(self.next_pair, last)
        self.count += int(np.count_nonzero(new))

    def _append(self, **columns: np.ndarray) -> None:
        for name, values in columns.items():
            self.columns.setdefault(name, []).append(values)

    def _keep_instances(self, run: Observations, new: Bool[np.ndarray, " n"]) -> None:
        self._append(
            **{name: run[f"instance_{name}"][new] for name in ("frame", "label", "area", "border")},
            centre=np.stack([run["instance_y"][new], run["instance_x"][new]], axis=1),
        )

    def _keep_contacts(self, run: Observations, bounds: Int[np.ndarray, " f"], first: int, base: int) -> None:
        frame = run["contact_frame"]
        keep = frame >= self.next_frame
        width = np.int64(2**32)
        known = run["instance_frame"] * width + run["instance_label"]
        found = [
            base + np.searchsorted(known, frame[keep] * width + run[f"contact_{side}"][keep]) for side in "ab"
        ]
        self._append(contact_a=found[0], contact_b=found[1], contact_length=run["contact_length"][keep])

    def _link(self, run: Observations, index: int, bounds: Int[np.ndarray, "3"], base: int) -> None:
        (a0, a1, b1), b0 = (int(bound) for bound in bounds), int(bounds[1])
        a = _side(run, a0, a1, np.zeros(2))
        b = _side(run, b0, b1, self.steps[index + 1])
        rows = slice(*np.searchsorted(run["overlap_frame"], (index, index + 1)))
        pairs = Pairs(
            a=np.searchsorted(run["instance_label"][a0:a1], run["overlap_a"][rows]),
            b=np.searchsorted(run["instance_label"][b0:b1], run["overlap_b"][rows]),
            pixels=run["overlap_pixels"][rows],
        )
        settings = self.settings
        from_a, to_b, self.motions[index] = link_pair(
            a, b, pairs, reach_radii=settings.reach_radii, most_cost=settings.most_cost
        )
        after, after_part = best_host(pairs.a, pairs.b, pairs.pixels, a.area)
        before, before_part = best_host(pairs.b, pairs.a, pairs.pixels, b.area)
        self._append(
            link_a=base + a0 + from_a,
            link_b=base + b0 + to_b,
            host_after=np.where(after < 0, -1, base + b0 + after),
            part_after=after_part,
            host_before=np.where(before < 0, -1, base + a0 + before),
            part_before=before_part,
        )

    def movie(self) -> LinkedMovie:
        whole = {name: np.concatenate(values) for name, values in self.columns.items()}
        n = len(whole["frame"])
        ids, none, nothing = np.zeros(0, dtype=np.int64), np.full(n, -1), np.zeros(n)
        before, after = none.copy(), none.copy()
        link_a, link_b = whole.pop("link_a", ids), whole.pop("link_b", ids)
        after[link_a], before[link_b] = link_b, link_a
        hosts = {}
        for name, padding in (("host", none), ("part", nothing)):
            later, earlier = whole.pop(f"{name}_after", ids), whole.pop(f"{name}_before", ids)
            hosts[f"{name}_after"] = np.concatenate([later, padding[len(later) :]])
            hosts[f"{name}_before"] = np.concatenate([padding[len(earlier) :], earlier])
        return LinkedMovie(
            frames=len(self.steps),
            drift=np.cumsum(self.steps, axis=0),
            before=before,
            after=after,
            motion_px=float(np.median(self.motions)) if len(self.motions) else 0.0,
            **hosts,
            **whole,
        )


def _side(run: Observations, start: int, stop: int, step: Float[np.ndarray, "2"]) -> Side:
    centre = np.stack([run["instance_y"][start:stop], run["instance_x"][start:stop]], axis=1)
    return Side(area=run["instance_area"][start:stop], centre=centre - step)
