"""The baseline: blur, subtract the background, cut at Otsu's level, part what touches.

It has learnt nothing, and so it stays in every comparison. How the options called "auto"
are chosen for a movie stands in :mod:`graticule.models.adapting`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from math import pi
from typing import Annotated, ClassVar, Literal

import numpy as np
from jaxtyping import Bool, Float32, Int32, Num
from pydantic import BaseModel, ConfigDict, Field
from scipy.special import expit

from graticule.core.errors import ConfigError
from graticule.core.segmenter import Patch, Segmentation, Segmenter, Statistics
from graticule.models.adapting import fit
from graticule.models.edges import cut_edges, only
from graticule.models.filters import band_pass, band_pass_radius, noise_gain
from graticule.models.level import cut_level, is_flat
from graticule.models.split import components, split_touching

Auto = Literal["auto"]
Length = Annotated[float, Field(ge=0, allow_inf_nan=False)]
NOISE = 0.05
_NOISE_SAMPLES = 20.0


class ThresholdOptions(BaseModel):
    """Options of :class:`Threshold`, lengths in pixels; "auto" is resolved once per movie."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sigma_px: Auto | Length = "auto"
    background_px: Auto | Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = "auto"
    polarity: Literal["auto", "dark", "bright"] = "auto"
    min_diameter_px: Auto | Length = "auto"
    margin_px: Auto | Annotated[int, Field(ge=0)] = "auto"
    split: bool = True


class Threshold(Segmenter):
    """Segments by grey level."""

    name = "threshold"
    Options: ClassVar[type[ThresholdOptions]] = ThresholdOptions

    def __init__(self, options: ThresholdOptions) -> None:
        undecided = [name for name, value in options if value == "auto"]
        if undecided:
            raise ConfigError(
                f"segmenter threshold: {undecided[0]} is still 'auto'; give a value, or adapt it first"
            )
        self.options = options
        self.dark = options.polarity == "dark"
        self._sigma = float(options.sigma_px)
        self._background = None if options.background_px is None else float(options.background_px)
        self.context = max(1, band_pass_radius(sigma_px=self._sigma, background_px=self._background))
        self.margin = int(options.margin_px)

    @staticmethod
    def adapted(options: ThresholdOptions, frames: Iterable[Num[np.ndarray, "y x"]]) -> ThresholdOptions:
        """Return ``options`` with every "auto" resolved to fit a movie's sample ``frames``."""
        undecided = [name for name, value in options if value == "auto"]
        if not undecided:
            return options
        known = None if options.polarity == "auto" else options.polarity
        found = asdict(fit(frames, polarity=known))
        return options.model_copy(update={name: found[name] for name in undecided})

    def measure(self, frame: Num[np.ndarray, "y x"]) -> Statistics:
        """Return the frame's grey levels (see :class:`graticule.models.level.Level`).

        ``empty`` marks frames that cannot be segmented (and ``not_finite`` or ``blank`` says
        why), ``noise_only`` those whose grey levels are distributed like noise.
        """
        pixels = np.asarray(frame, np.float32)
        if not np.isfinite(pixels).all():
            return {"empty": 1.0, "not_finite": 1.0}
        if np.ptp(pixels) == 0:
            return {"empty": 1.0, "blank": 1.0}
        smooth = self._smooth(pixels)
        if is_flat(smooth):
            return {"empty": 1.0, "blank": 1.0}
        found = cut_level(smooth, dark=self.dark, sigma_px=self._sigma)
        independent = smooth.size / (4 * pi * max(self._sigma, 0.5) ** 2)
        noise_only = found.lopsidedness < max(NOISE, _NOISE_SAMPLES / independent)
        return {"empty": 0.0, "noise_only": float(noise_only), **asdict(found)}

    def segment(self, patch: Patch, statistics: Sequence[Statistics]) -> Segmentation:
        """Segment a patch, frame by frame."""
        labels = np.zeros(patch.pixels.shape, np.uint32)
        foreground = np.zeros(patch.pixels.shape, np.float32)
        for t, (frame, measured) in enumerate(zip(patch.pixels, statistics, strict=True)):
            if measured["empty"] or measured["noise_only"]:
                continue
            smooth = self._smooth(frame)[patch.trusted]
            found = self._instances(smooth, measured, patch)
            labels[(t, *patch.trusted)] = found
            foreground[(t, *patch.trusted)] = self._probability(smooth, measured)
        return Segmentation(labels=labels, foreground=foreground)

    def _instances(
        self, smooth: Float32[np.ndarray, "y x"], measured: Statistics, patch: Patch
    ) -> Int32[np.ndarray, "y x"]:
        cut = cut_edges(patch)
        bodies = components(self._beyond(smooth, measured["level"]))
        if self.options.split:
            bodies = split_touching(bodies)
        if measured["prominence"] > 0:
            seeds = self._prominent(smooth, measured, patch) & (bodies > 0)
            keep = np.bincount(bodies[seeds], minlength=int(bodies.max(initial=0)) + 1) > 0
            bodies = only(bodies, keep, cut)
        least = pi / 4 * float(self.options.min_diameter_px) ** 2
        return only(bodies, np.bincount(bodies.ravel()) >= least, cut)

    def _prominent(self, smooth: np.ndarray, measured: Statistics, patch: Patch) -> Bool[np.ndarray, "y x"]:
        """Return where the mode is left so far behind that noise would hardly do it.

        At the frame's edges the blur has less to average, and more is asked.
        """
        height, width = patch.pixels.shape[1:]
        y, x = patch.trusted
        asked = measured["prominence"] * noise_gain(height, self._sigma)[y, None]
        away = measured["mode"] - smooth if self.dark else smooth - measured["mode"]
        return np.asarray(away > asked * noise_gain(width, self._sigma)[x])

    def _beyond(self, smooth: np.ndarray, level: float) -> Bool[np.ndarray, "y x"]:
        return np.asarray(smooth < level if self.dark else smooth > level)

    def _probability(self, smooth: np.ndarray, measured: Statistics) -> Float32[np.ndarray, "y x"]:
        away = (measured["level"] - smooth) if self.dark else (smooth - measured["level"])
        scale = max(measured["spread"], float(np.finfo(np.float32).tiny))
        return np.asarray(expit((away / scale).astype(np.float32)))

    def _smooth(self, frame: np.ndarray) -> Float32[np.ndarray, "y x"]:
        pixels = np.asarray(frame, np.float32)
        return band_pass(pixels, sigma_px=self._sigma, background_px=self._background)
