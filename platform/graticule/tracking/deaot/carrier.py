"""Who lies on which pixel now, told by the network from the frames before.

Sites share the network's identity slots where they lie far apart, so that one pass carries
all of a view however many they are.
"""

from abc import ABC, abstractmethod

import numpy as np
import torch
from jaxtyping import Float, Float32, Int
from scipy.spatial import cKDTree

from graticule.tracking.deaot.memory import ObjectMemory, taken
from graticule.tracking.deaot.network import DeAOT, Memory
from graticule.tracking.deaot.sight import Lens
from graticule.tracking.deaot.sites import Sites
from graticule.tracking.deaot.slots import coloured, neighbours

_NARROWER = (1.0, 0.5, 0.25, 0.0)
"""Parts of the gap asked for that are tried in turn where slots run out."""


class Carrier(ABC):
    """Carries objects from frame to frame of one view; knows nothing of instances."""

    @abstractmethod
    def start(self, grey: Float32[np.ndarray, "y x"], objects: Int[np.ndarray, "y x"], sites: Sites) -> None:
        """Take the first frame, and the object of each of its pixels (-1 is background)."""

    @abstractmethod
    def move(self, drift: Float[np.ndarray, "2"]) -> None:
        """Take that the specimen moves by (dy, dx) px into the next frame."""

    @abstractmethod
    def look(self, grey: Float32[np.ndarray, "y x"], sites: Sites) -> Int[np.ndarray, "y x"]:
        """Return the site, by position, that each pixel of the next frame shows (-1: none)."""

    @abstractmethod
    def remember(self, objects: Int[np.ndarray, "y x"], sites: Sites) -> None:
        """Take what the frame that was looked at is held to show."""


class SlotCarrier(Carrier):
    """Objects in shared slots, with a memory of each object's own."""

    def __init__(
        self,
        network: DeAOT,
        lens: Lens,
        *,
        device: torch.device,
        gap_diameters: float,
        memory_views: int,
        memory_gap: int,
    ) -> None:
        self.network, self.lens, self.device = network, lens, device
        self.gap_diameters, self.memory_gap = gap_diameters, memory_gap
        self.memory = ObjectMemory(views=memory_views)
        self.slot: dict[int, int] = {}
        self.frames = 0
        self._short: Memory = ()
        self._owner: Int[np.ndarray, " n"] = np.zeros(0, np.int64)

    @torch.inference_mode()
    def start(self, grey: Float32[np.ndarray, "y x"], objects: Int[np.ndarray, "y x"], sites: Sites) -> None:
        """Take the first frame, and the object of each of its pixels (-1 is background)."""
        self._assign(sites)
        features = self.network.encode(self.lens.image(grey).to(self.device))
        self._seen = self.network.reference(features, self._identity(objects))
        self._keep(objects)
        self.memory.add(self._short, self._owner, np.unique(sites.object))

    @torch.inference_mode()
    def move(self, drift: Float[np.ndarray, "2"]) -> None:
        """Take that the specimen moves by (dy, dx) px into the next frame."""
        tokens = self.lens.moved(drift)
        if (tokens != np.arange(len(tokens))).any():
            film = int(np.argmin(self._owner))
            self._short = taken(self._short, np.where(tokens < 0, film, tokens))

    @torch.inference_mode()
    def look(self, grey: Float32[np.ndarray, "y x"], sites: Sites) -> Int[np.ndarray, "y x"]:
        """Return the site, by position, that each pixel of the next frame shows (-1: none)."""
        features = self.network.encode(self.lens.image(grey).to(self.device))
        self._seen = self.network.look(features, long=self.memory.tokens(), short=self._short)
        shown = self.lens.answer(self.network.decode(self._seen, features))
        slots = np.array([self.slot[name] for name in sites.object.tolist()], np.int64)
        return nearest_sites(shown, slots, sites.place)

    @torch.inference_mode()
    def remember(self, objects: Int[np.ndarray, "y x"], sites: Sites) -> None:
        """Take what the frame that was looked at is held to show."""
        begun_anew = self._assign(sites)
        self.frames += 1
        self._keep(objects)
        due = self.frames % self.memory_gap == 0
        if due or len(begun_anew):
            offered = np.unique(sites.object[sites.missed == 0]) if due else begun_anew
            self.memory.add(self._short, self._owner, offered)

    def _assign(self, sites: Sites) -> Int[np.ndarray, " k"]:
        """Give slots to new objects, and others to those that came too near; return these, sorted."""
        before, self.slot = (
            self.slot,
            slots_of(sites, self.slot, slots=self.network.config.slots, gap_diameters=self.gap_diameters),
        )
        changed = [name for name, slot in self.slot.items() if before.get(name) != slot]
        self.memory.forget([name for name in before if name not in self.slot] + changed)
        return np.array(sorted(changed), np.int64)

    def _identity(self, objects: Int[np.ndarray, "y x"]) -> Float[torch.Tensor, "1 n 256"]:
        table = np.zeros(max(self.slot, default=-1) + 2, np.int64)  # the last entry is for background, -1
        table[list(self.slot)] = list(self.slot.values())
        maps = self.lens.slots(table[objects], count=self.network.config.slots)
        return self.network.identify(maps.to(self.device))

    def _keep(self, objects: Int[np.ndarray, "y x"]) -> None:
        self._short = self.network.remember(self._seen, self._identity(objects))
        self._owner = self.lens.owners(objects)


def slots_of(sites: Sites, before: dict[int, int], *, slots: int, gap_diameters: float) -> dict[int, int]:
    """Return the slot of each object: its old one, unless it came too near another of that slot.

    Of the two the younger object gets another slot. Where slots run out, objects that are
    nearest must still differ.
    """
    name, first = np.unique(sites.object, return_index=True)
    if not len(name):
        return {}
    place, radius = sites.place[first], sites.radius[first]
    slot = np.array([before.get(one, 0) for one in name.tolist()], np.int64)
    reach = gap_diameters * 2 * float(np.median(radius))
    for one, near in enumerate(neighbours(place, radius, reach=reach / 2)):
        if slot[one] and (slot[near[near < one]] == slot[one]).any():
            slot[one] = 0
    for part in _NARROWER:
        if slot.all():
            break
        slot = coloured(place, radius, slots=slots, reach=part * reach + 1e-6, taken=slot)
    slot[slot == 0] = 1  # more than there are slots, all touching one another
    return dict(zip(name.tolist(), slot.tolist(), strict=True))


def nearest_sites(
    shown: Int[np.ndarray, "y x"], group: Int[np.ndarray, " n"], place: Float[np.ndarray, "n 2"]
) -> Int[np.ndarray, "y x"]:
    """Return for each pixel the nearest site of the group (> 0) that it shows, -1: none."""
    found = np.full(shown.shape, -1, np.int64)
    where = np.nonzero(shown)
    of = shown[where]
    sites = np.full(len(of), -1, np.int64)
    pixels = np.stack(where, 1).astype(np.float64)
    for one in np.unique(of):
        among, mine = np.flatnonzero(group == one), np.flatnonzero(of == one)
        if len(among):
            _, nearest = cKDTree(place[among]).query(pixels[mine])
            sites[mine] = among[nearest]
    found[where] = sites
    return found
