"""Lasting contact: the pairs of identities that become one body, and from when.

A pair fuses for good, or touches until one of the two is seen for the last time. A pair
that never fuses needs evidence: contact of some length in time and a neck of some width.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from graticule.tracking.chains import first_and_last
from graticule.tracking.contacts import Contacts, Runs, contact_runs
from graticule.tracking.pieces import Identities, born_in_contact
from graticule.tracking.settings import OverlapSettings


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Merges:
    """Pairs of identities in lasting contact from ``frame`` on, sorted by (frame, a, b).

    ``strength`` 0..1: 1 for a pair that fuses, else the neck over half the smaller
    diameter. ``frames``: how many frames of contact were seen. ``apart``: for how many
    frames both were known before.
    """

    frame: Int[np.ndarray, " n"]
    a: Int[np.ndarray, " n"]
    b: Int[np.ndarray, " n"]
    strength: Float[np.ndarray, " n"]
    frames: Int[np.ndarray, " n"]
    apart: Int[np.ndarray, " n"]


def lasting_contacts(known: Identities, contacts: Contacts, settings: OverlapSettings) -> Merges:
    """Return the pairs that touch and never part again."""
    frame, identity = known.movie.frame, known.identity
    runs = contact_runs(contacts, identity, flicker_frames=settings.flicker_frames)
    first, last = first_and_last(identity, frame)
    gone = (runs.fused >= 0) & (last[runs.fused] < runs.stop)
    neck = runs.length / np.maximum(_smaller_diameter(known, runs), 1.0)
    lasting = gone | _touching_to_the_end(runs, last, neck, settings)
    lasting &= ~born_in_contact(runs, first, flicker_frames=settings.flicker_frames)
    keep = np.flatnonzero(lasting)
    keep = keep[np.lexsort((runs.b[keep], runs.a[keep], runs.start[keep]))]
    younger = np.maximum(first[runs.a], first[runs.b])[keep]
    end = np.minimum(last[runs.a], last[runs.b])[keep]
    fused = gone[keep]
    lasted = np.where(fused, np.maximum(last[runs.a], last[runs.b])[keep], end) - runs.start[keep] + 1
    return Merges(
        frame=runs.start[keep],
        a=runs.a[keep],
        b=runs.b[keep],
        strength=np.where(fused, 1.0, np.minimum(1.0, 2 * neck[keep])),
        frames=np.maximum(lasted, 1),
        apart=runs.start[keep] - younger,
    )


def _touching_to_the_end(
    runs: Runs, last: Int[np.ndarray, " n"], neck: Float[np.ndarray, " r"], settings: OverlapSettings
) -> Bool[np.ndarray, " r"]:
    end = np.minimum(last[runs.a], last[runs.b])
    lasts = runs.stop >= end - settings.flicker_frames
    long = runs.stop - runs.start + 1 >= settings.least_contact_frames
    return np.asarray(lasts & long & (neck >= settings.least_neck))


def _smaller_diameter(known: Identities, runs: Runs) -> Float[np.ndarray, " r"]:
    """Return the smaller of both identities' mean diameters, px."""
    n = len(known.identity)
    count = np.maximum(np.bincount(known.identity, minlength=n), 1)
    mean = np.bincount(known.identity, weights=2 * known.movie.radius, minlength=n) / count
    return np.asarray(np.minimum(mean[runs.a], mean[runs.b]))
