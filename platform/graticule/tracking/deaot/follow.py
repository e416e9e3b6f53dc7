"""Algorithm 1 of the paper in one view: segment, propagate, find the new, merge, remember.

Source: Duan et al. 2024, doi 10.69761/HDTA8338, with the ids of SAM-Track (Cheng et al. 2023)
replaced: a site is named by the instance under which it was last seen, so names never collide
and two windows that share a frame agree on them.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float32, Int, UInt32
from scipy import ndimage

from graticule.tracking.assignment import assign
from graticule.tracking.deaot.carrier import Carrier
from graticule.tracking.deaot.settings import DeAOTSettings
from graticule.tracking.deaot.sites import Sites, nobody, sites_seen
from graticule.tracking.observation import frame_instances

_LEAST_IOU = 0.1
_MOST_GROWTH = 2.5
_WITHIN = 0.5
_STILL = np.zeros(2)


class _Links(NamedTuple):
    """Sites, the instances that they lie on, and with how many pixels; sorted."""

    site: Int[np.ndarray, " l"]
    label: Int[np.ndarray, " l"]
    pixels: Int[np.ndarray, " l"]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Found:
    """What one frame showed of the sites of the frame before.

    Attributes:
        sites: Those of the frame before, by position.
        owner: For each pixel of the view the site that lies there now, -1: none.
        site: Of each link, the site; ``label`` the instance it lies on, ``pixels`` how much.
        label: See ``site``.
        pixels: See ``site``.
        claims: Of each link, whether the instance can be the site's object by it.
        carried: Sites without an instance that the network still sees, on pixels of their own.
    """

    sites: Sites
    owner: Int[np.ndarray, "y x"]
    site: Int[np.ndarray, " l"]
    label: Int[np.ndarray, " l"]
    pixels: Int[np.ndarray, " l"]
    claims: Bool[np.ndarray, " l"]
    carried: Bool[np.ndarray, " n"]


class Follower:
    """Follows the objects of one view through a run of frames."""

    def __init__(self, carrier: Carrier, settings: DeAOTSettings, *, least_area_px: float = 0.0) -> None:
        self.carrier, self.settings, self.least_area_px = carrier, settings, least_area_px
        self.sites = nobody()
        self.labels = np.zeros((0, 0), np.uint32)
        self.named = 0

    def start(self, frame: int, grey: Float32[np.ndarray, "y x"], labels: UInt32[np.ndarray, "y x"]) -> None:
        """Take the first frame: its instances are the reference."""
        seen = _seen(frame, labels)
        self.sites, self.named = replace(seen, object=np.arange(len(seen))), len(seen)
        self.carrier.start(grey, _by_label(labels, self.sites), self.sites)
        self.labels = labels

    def step(
        self,
        frame: int,
        grey: Float32[np.ndarray, "y x"],
        labels: UInt32[np.ndarray, "y x"],
        *,
        drift: Float[np.ndarray, "2"] = _STILL,
    ) -> Found:
        """Follow all objects into the next frame, and take what is new there.

        Args:
            frame: Its number.
            grey: Its grey levels, 0..1.
            labels: Its instances.
            drift: By how much the specimen moved into it, (dy, dx) px.
        """
        self.carrier.move(drift)
        moved = replace(self.sites, place=self.sites.place + drift)
        found = self._found(self.carrier.look(grey, moved), labels, shifted(self.labels, drift))
        now = self._claimed(_seen(frame, labels), found)
        missed = self._missed(found, moved, now)
        self.named = int(max(self.named, now.object.max(initial=-1) + 1))
        self.sites = now.and_also(missed)
        self.carrier.remember(_prediction(labels, now, missed, found), self.sites)
        self.labels = labels
        return found

    # -- where everything went -------------------------------------------------------------

    def _found(
        self,
        owner: Int[np.ndarray, "y x"],
        labels: UInt32[np.ndarray, "y x"],
        before: UInt32[np.ndarray, "y x"],
    ) -> Found:
        sites, settings = self.sites, self.settings
        whole = np.bincount(owner[owner >= 0], minlength=len(sites))
        area = np.bincount(labels.ravel())
        told = _overlaps(owner, labels)
        site, label, pixels = told
        covered = np.bincount(site, weights=pixels, minlength=len(sites))
        iou = pixels / (whole[site] + area[label] - pixels)
        linked = np.zeros(len(sites), np.bool_)
        linked[site[assign(site, label, 1 - iou, most=1 - _LEAST_IOU)]] = True
        own = whole - covered
        carried = ~linked & (own >= settings.least_kept_area * sites.area)
        carried &= (own <= _MOST_GROWTH * sites.area) & (covered < _WITHIN * np.maximum(whole, 1))
        lost = whole < settings.least_kept_area * sites.area
        owned = np.bincount(label, weights=pixels, minlength=len(area))
        fresh = area - owned >= settings.least_untracked * area
        links, claims = _both(told, _overlaps(self._sites_at(before), labels), lost, fresh)
        return Found(sites=sites, owner=owner, **links._asdict(), claims=claims, carried=carried)

    def _sites_at(self, before: UInt32[np.ndarray, "y x"]) -> Int[np.ndarray, "y x"]:
        """Return the sites of the instances of the frame before, -1 elsewhere."""
        seen = np.flatnonzero(self.sites.missed == 0)
        table = np.full(int(self.labels.max(initial=0)) + 1, -1, np.int64)
        table[self.sites.label[seen]] = seen
        return np.asarray(table[before])

    # -- the frame's prediction, next reference --------------------------------------------

    def _claimed(self, seen: Sites, found: Found) -> Sites:
        """Return the frame's instances with their objects: known ones, or new names."""
        order = np.flatnonzero(found.claims)
        order = order[
            np.lexsort((-found.site[order], found.pixels[order]))
        ]  # the last write wins: most pixels
        most = dict(zip(found.label[order].tolist(), found.site[order].tolist(), strict=True))
        covered = dict.fromkeys(seen.label.tolist(), 0)
        for label, pixels in zip(found.label[order].tolist(), found.pixels[order].tolist(), strict=True):
            covered[label] = covered.get(label, 0) + pixels
        objects, fresh = [], self.named
        for label, area in zip(seen.label.tolist(), seen.area.tolist(), strict=True):
            site = most.get(label)
            if site is None or 1 - covered[label] / area >= self.settings.least_untracked:
                objects.append(fresh if area >= self.least_area_px else -1)
                fresh += area >= self.least_area_px
            else:
                objects.append(int(found.sites.object[site]))
        claimed = replace(seen, object=np.array(objects, np.int64))
        return claimed.take(claimed.object >= 0)

    def _missed(self, found: Found, sites: Sites, now: Sites) -> Sites:
        """Return the sites of objects that no instance shows any more, where they are now."""
        lost = ~np.isin(sites.object, now.object) & (sites.missed < self.settings.kept_frames)
        there = found.owner >= 0
        whose, (y, x) = found.owner[there], np.nonzero(there)
        count = np.bincount(whose, minlength=len(sites))
        middle = np.stack([np.bincount(whose, weights=part, minlength=len(sites)) for part in (y, x)], 1)
        place = np.where(count[:, None] > 0, middle / np.maximum(count, 1)[:, None], sites.place)
        return replace(sites, place=place, missed=sites.missed + 1).take(lost)


def _prediction(
    labels: UInt32[np.ndarray, "y x"], now: Sites, missed: Sites, found: Found
) -> Int[np.ndarray, "y x"]:
    """Return the object of each pixel: instances, and where the network alone sees one; -1 elsewhere.

    Within an instance that swallowed a lost object, that object keeps the pixels that the
    network gives it, so that it can come out again.
    """
    name = dict(zip(zip(missed.frame, missed.label, strict=True), missed.object, strict=True))
    sites = found.sites
    lost = [name.get(key, -1) for key in zip(sites.frame, sites.label, strict=True)]
    alone = np.array([*lost, -1], np.int64)[found.owner]  # the last entry is for background, -1
    return np.where(alone >= 0, alone, _by_label(labels, now))


def shifted(labels: UInt32[np.ndarray, "y x"], by: Float[np.ndarray, "2"]) -> UInt32[np.ndarray, "y x"]:
    """Return labels moved by (dy, dx), rounded to whole pixels; 0 comes in from outside."""
    return np.asarray(ndimage.shift(labels, np.rint(by), order=0))


def _both(
    told: _Links, there: _Links, lost: Bool[np.ndarray, " n"], fresh: Bool[np.ndarray, " m"]
) -> tuple[_Links, Bool[np.ndarray, " l"]]:
    """Return the network's links, completed by those of place, and which of them claim an instance.

    The network too lets one particle swallow another, and forgets the other: of sites that it lost,
    and of instances that are new to it, place decides. So both are parents of what is there,
    and what comes out of it later is no stranger. A link that both tell has the pixels of either.
    """
    known, keys = (links.site * len(fresh) + links.label for links in (told, there))
    again = np.isin(keys, known)
    pixels = told.pixels.copy()
    rows = np.searchsorted(known, keys[again])
    pixels[rows] = np.maximum(pixels[rows], there.pixels[again])
    more = ~again & (lost[there.site] | fresh[there.label])
    links = _Links(
        np.concatenate([told.site, there.site[more]]),
        np.concatenate([told.label, there.label[more]]),
        np.concatenate([pixels, there.pixels[more]]),
    )
    return links, np.concatenate([np.ones(len(known), np.bool_), lost[there.site[more]]])


def _overlaps(owner: Int[np.ndarray, "y x"], labels: UInt32[np.ndarray, "y x"]) -> _Links:
    """Return (site, label, pixels) of all that share pixels; no site is -1, no label 0."""
    both = (owner >= 0) & (labels > 0)
    width = int(labels.max(initial=0)) + 1
    keys, pixels = np.unique(owner[both] * width + labels[both], return_counts=True)
    return _Links(*np.divmod(keys, width), pixels)


def _seen(frame: int, labels: UInt32[np.ndarray, "y x"]) -> Sites:
    columns = frame_instances(labels)
    place = np.stack([columns["y"], columns["x"]], 1)
    return sites_seen(frame, columns["label"], place, columns["area"])


def _by_label(labels: UInt32[np.ndarray, "y x"], sites: Sites) -> Int[np.ndarray, "y x"]:
    """Return the object of each pixel of the sites' instances, -1 elsewhere."""
    table = np.full(int(labels.max(initial=0)) + 1, -1, np.int64)
    table[sites.label] = sites.object
    return np.asarray(table[labels])
