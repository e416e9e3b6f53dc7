"""What all trackers of libraries have in common.

Each is given the same as the others and as ``overlap``: instances with their centroids, the
drift that the images show taken out, and areas. What comes back as links becomes tracks and
events; a library that knows no merges has none, and none are added here.
"""

from abc import abstractmethod
from collections.abc import Iterable
from typing import Any, TypeVar

import numpy as np
from jaxtyping import Num, UInt32
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from graticule.core.errors import ConfigError
from graticule.core.lineage import Lineage
from graticule.core.refusal import refusal
from graticule.core.tracker import Observations, Tracker
from graticule.tracking.libraries.links import Links, lineage_of_links
from graticule.tracking.libraries.seen import SeenMovie, seen_movie
from graticule.tracking.observation import run_instances


class LibrarySettings(BaseModel):
    """Options that all of them have; ``None`` means: from the movie's own particles."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    missed_frames: int = Field(default=3, ge=0)
    """A particle not seen for up to this many frames keeps its identity."""
    reach_px: float | None = Field(default=None, gt=0)
    """How far a particle may move between frames; by default two median radii."""


class LibraryTracker(Tracker):
    """Observes instances and drift, and leaves the links to a library."""

    def __init__(self, settings: LibrarySettings) -> None:
        self.settings = settings

    def observe(
        self, images: Num[np.ndarray, "t y x"], labels: UInt32[np.ndarray, "t y x"], *, first: int
    ) -> Observations:
        """Return instances and drift of frames first … first + t - 1."""
        return run_instances(images, labels, first=first)

    def resolve(
        self,
        observed: Iterable[Observations],
        *,
        frames: int,
        shape: tuple[int, int],
        followed: Iterable[Observations] = (),
    ) -> Lineage:
        """Return the identities in a movie of ``frames`` frames of ``shape`` (y, x)."""
        seen = seen_movie(observed, frames=frames)
        return lineage_of_links(seen, self.links(seen), shape=shape)

    @abstractmethod
    def links(self, seen: SeenMovie) -> Links:
        """Return which instances the library links."""

    def reach(self, seen: SeenMovie) -> float:
        """Return how far a particle may move between frames, px."""
        return self.settings.reach_px or 2 * seen.typical_radius


S = TypeVar("S", bound=BaseModel)


def checked(kind: type[S], name: str, options: dict[str, Any]) -> S:
    """Return a tracker's settings.

    Raises:
        ConfigError: If an option is unknown or its value cannot be.
    """
    try:
        return kind(**options)
    except ValidationError as error:
        raise ConfigError(f"tracker {name}: {refusal(error, kind)}") from None
