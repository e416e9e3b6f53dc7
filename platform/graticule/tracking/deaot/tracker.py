"""The tracker ``deaot``: a network says what went where, and what is there though unseen.

``follow`` runs Algorithm 1 of the paper in each window of space and time; ``resolve`` links
by what the network saw instead of by plain overlap, and goes on as ``overlap`` does: one way
from links to identities, merges and splits. How: ``tracking/deaot/DESIGN.md``.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from jaxtyping import Num, UInt32
from pydantic import ValidationError

from graticule.core.errors import ConfigError
from graticule.core.lineage import Carried, Lineage
from graticule.core.refusal import refusal
from graticule.core.tracker import Observations, Tracker
from graticule.core.window import Window
from graticule.models.learned.device import resolve_device
from graticule.models.weights import has_builtin, load_network, pinned_weights
from graticule.models.weights.locate import BUILTIN
from graticule.tracking.deaot import ARCHITECTURE
from graticule.tracking.deaot.completing import Followed, completed
from graticule.tracking.deaot.folded import folded
from graticule.tracking.deaot.network import DeAOT
from graticule.tracking.deaot.settings import DeAOTSettings
from graticule.tracking.deaot.views import follow_window
from graticule.tracking.observation import run_contacts, run_instances
from graticule.tracking.overlap import OverlapTracker
from graticule.tracking.settings import OverlapSettings
from graticule.tracking.windows import follow_windows


class DeAOTTracker(Tracker):
    """Links by what the network saw; a merge is the first frame of lasting contact."""

    name = "deaot"

    def __init__(self, settings: DeAOTSettings, linking: OverlapSettings) -> None:
        self.settings, self.linking = settings, linking
        self._overlap = OverlapTracker(linking)

    @property
    def device(self) -> str:
        """Where it follows: ``cpu``, ``cuda``, or ``auto``."""
        return self.settings.device

    def pinned_weights(self) -> dict[str, str]:
        """Return the weights by a lasting name, and their digest."""
        self._check_shipped()
        return pinned_weights(ARCHITECTURE.name, self.settings.weights, sha256=self.settings.weights_sha256)

    def observe(
        self, images: Num[np.ndarray, "t y x"], labels: UInt32[np.ndarray, "t y x"], *, first: int
    ) -> Observations:
        """Return instances, drift and contacts of frames first … first + t - 1."""
        return {**run_instances(images, labels, first=first), **run_contacts(labels, first=first)}

    def windows(self, movie: tuple[int, int, int]) -> Sequence[Window]:
        """Return the windows of a movie; they begin as many frames early as an object is carried on for."""
        known = self.settings
        return follow_windows(
            movie, frames=known.window_frames, lead_frames=known.kept_frames, size_px=known.window_px
        )

    def follow(
        self,
        images: Num[np.ndarray, "t y x"],
        labels: UInt32[np.ndarray, "t y x"],
        *,
        window: Window,
        width: int,
        pixel_size_nm: float | None,
    ) -> Observations:
        """Return where each instance of a window went; see :func:`follow_window`."""
        network, device = self.network
        return follow_window(
            network,
            self.settings,
            images,
            labels,
            window=window,
            width=width,
            device=device,
            pixel_size_nm=pixel_size_nm,
        )

    def resolve(
        self,
        observed: Iterable[Observations],
        *,
        frames: int,
        shape: tuple[int, int],
        followed: Iterable[Observations] = (),
    ) -> Lineage:
        """Return the identities in a movie of ``frames`` frames of ``shape`` (y, x)."""
        known = Followed.of(followed)
        lineage = self._overlap.resolve(completed(observed, known), frames=frames, shape=shape)
        return replace(lineage, carried=_told(known.runs, lineage))

    @cached_property
    def network(self) -> tuple[DeAOT, torch.device]:
        """The network, ready to answer, and where it is; loaded when first asked for.

        Raises:
            ConfigError: If no weights are shipped or registered under that name.
            InputError: If they cannot be had, are damaged, or of another network.
        """
        settings = self.settings
        self._check_shipped()
        device = resolve_device(settings.device)
        network = load_network(ARCHITECTURE.name, settings.weights, sha256=settings.weights_sha256)
        assert isinstance(network, DeAOT)
        return folded(network).to(device), device

    def _check_shipped(self) -> None:
        if self.settings.weights == BUILTIN and not has_builtin(ARCHITECTURE.name):
            raise ConfigError(
                "tracker deaot ships no weights in this version; give --tracker-option weights=FILE,"
                " a URL or models:/name@alias"
            )


def _told(runs: Carried, lineage: Lineage) -> Carried:
    """Return the runs of the particles that the lineage tells of."""
    width = np.int64(2**32)
    known = lineage.frame * width + lineage.label
    return runs.take(np.isin(runs.frame * width + runs.label, known))


def create(**options: Any) -> DeAOTTracker:
    """Return the tracker with the given :class:`DeAOTSettings` and :class:`OverlapSettings`.

    Raises:
        ConfigError: If an option is unknown or its value cannot be.
    """
    linking = {name: options.pop(name) for name in OverlapSettings.model_fields if name in options}
    try:
        return DeAOTTracker(DeAOTSettings(**options), OverlapSettings(**linking))
    except ValidationError as error:
        kind = OverlapSettings if error.title == OverlapSettings.__name__ else DeAOTSettings
        raise ConfigError(f"tracker deaot: {refusal(error, kind)}") from None
