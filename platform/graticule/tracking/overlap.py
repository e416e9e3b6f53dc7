"""The tracker ``overlap``: links by overlap and distance, merges by lasting contact.

``observe`` measures instances, drift, overlaps and contacts of each run of frames;
``resolve`` links frame to frame as one assignment per pair, closes gaps, and reads merges
and splits from who touched whom, and for how long. How: ``tracking/DESIGN.md``.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from jaxtyping import Num, UInt32
from pydantic import ValidationError

from graticule.core.errors import ConfigError
from graticule.core.lineage import Lineage
from graticule.core.refusal import refusal
from graticule.core.tracker import Observations, Tracker
from graticule.tracking.bodies import bodies_of
from graticule.tracking.contacts import contact_rows
from graticule.tracking.gaps import close_gaps
from graticule.tracking.lineage import lineage_of
from graticule.tracking.linked import link_movie
from graticule.tracking.merging import lasting_contacts
from graticule.tracking.observation import run_contacts, run_instances, run_overlaps
from graticule.tracking.pieces import joined_pieces
from graticule.tracking.settings import OverlapSettings


class OverlapTracker(Tracker):
    """Links by overlap and distance; a merge is the first frame of lasting contact."""

    name = "overlap"

    def __init__(self, settings: OverlapSettings) -> None:
        self.settings = settings

    def observe(
        self, images: Num[np.ndarray, "t y x"], labels: UInt32[np.ndarray, "t y x"], *, first: int
    ) -> Observations:
        """Return instances, drift, overlaps and contacts of frames first … first + t - 1."""
        seen = run_instances(images, labels, first=first)
        overlaps = run_overlaps(labels, seen["steps"], first=first)
        return {**seen, **run_contacts(labels, first=first), **overlaps}

    def resolve(
        self,
        observed: Iterable[Observations],
        *,
        frames: int,
        shape: tuple[int, int],
        followed: Iterable[Observations] = (),
    ) -> Lineage:
        """Return the identities in a movie of ``frames`` frames of ``shape`` (y, x)."""
        settings = self.settings
        movie = close_gaps(link_movie(observed, frames=frames, settings=settings), settings)
        contacts = contact_rows(movie, settings)
        known = joined_pieces(movie, contacts, settings)
        merges = lasting_contacts(known, contacts, settings)
        bodies = bodies_of(known, merges)
        return lineage_of(known, bodies, merges, shape=shape, least_frames_seen=settings.least_frames_seen)


def create(**options: Any) -> OverlapTracker:
    """Return the tracker with the given :class:`OverlapSettings`.

    Raises:
        ConfigError: If an option is unknown or its value cannot be.
    """
    try:
        return OverlapTracker(OverlapSettings(**options))
    except ValidationError as error:
        raise ConfigError(f"tracker overlap: {refusal(error, OverlapSettings)}") from None
