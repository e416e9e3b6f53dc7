"""Fit what the automatic mode must know of a movie: view, blob scale, detector."""

from collections.abc import Iterable
from itertools import chain

import numpy as np
from jaxtyping import Num

from graticule.models.adapting import usable
from graticule.models.architecture import NetworkConfig
from graticule.models.efficient_sam.automatic.options import EfficientSamOptions
from graticule.models.efficient_sam.config import EfficientSamConfig
from graticule.models.learned.fitting import fitting_view, resolved
from graticule.models.scale import look_of
from graticule.models.threshold import Threshold, ThresholdOptions

LEAST_POINTS = 5.0
PUBLISHED_PX = 1024
"""Edge of the images that published weights were trained with, whatever was in them."""
LEAST_PX = 16
"""Edge of the smallest frame that is seen whole."""
LEAST_VIEW_PX = 256
UNKNOWN_SCALE_PX = 4.0
_VIEW_GRID = 32
_LATTICE = 256
_PLAIN: dict[str, object] = {
    "sigma_px": 1.0,
    "background_px": None,
    "polarity": "dark",
    "min_diameter_px": 3.0,
    "margin_px": 64,
}


def fitted(
    name: str,
    options: EfficientSamOptions,
    frames: Iterable[Num[np.ndarray, "y x"]],
    *,
    default_view_px: int,
) -> EfficientSamOptions:
    """Return ``options`` with every "auto" that shapes the result resolved to fit a movie.

    Args:
        name: The network's.
        options: What the user asked for.
        frames: A few frames of the movie, one at least.
        default_view_px: See :func:`graticule.models.learned.fitting.fitting_view`.

    Raises:
        InputError: If the weights are not to be had.
    """
    options = options.model_copy(update={"mode": _mode(name, options)})
    seen = iter(frames)
    first = next(seen)
    crops = usable(chain([first], seen)) or [first]
    known = resolved(
        name,
        options if options.view_px != "auto" else options.model_copy(update={"view_px": default_view_px}),
        crops,
        default_view_px=default_view_px,
    )
    scale = known.scale_px if known.scale_px != "auto" else _scale(crops, known)
    detector = known.detector
    if detector.polarity == "auto":
        detector = detector.model_copy(update={"polarity": known.polarity})
    found = {"scale_px": scale, "detector": Threshold.adapted(detector, crops)}
    if options.view_px == "auto":
        found["view_px"] = _view(first.shape, scale, options, default_view_px)
    return known.model_copy(update=found)


def mode_of(config: NetworkConfig | None) -> str:
    """Return the mode that a network of these sizes was tuned for; "automatic" if that is not known."""
    return "semantic" if isinstance(config, EfficientSamConfig) and config.semantic else "automatic"


def concrete(options: EfficientSamOptions, config: NetworkConfig | None = None) -> EfficientSamOptions:
    """Return ``options`` with plain values for what nobody has fitted to a movie.

    Args:
        options: What the user asked for.
        config: Of the network that is given instead of weights.
    """
    plain = {**_PLAIN, "polarity": "bright" if options.polarity == "bright" else "dark"}
    undecided = {name: plain[name] for name, value in options.detector if value == "auto"}
    detector: ThresholdOptions = options.detector.model_copy(update=undecided)
    scale = UNKNOWN_SCALE_PX if options.scale_px == "auto" else options.scale_px
    mode = mode_of(config) if options.mode == "auto" else options.mode
    return options.model_copy(update={"detector": detector, "scale_px": scale, "mode": mode})


def _mode(name: str, options: EfficientSamOptions) -> str:
    """Return the mode that was asked for, or that the weights were tuned for."""
    if options.mode != "auto":
        return options.mode
    from graticule.models.weights import load_config

    config = load_config(name, options.weights, sha256=options.weights_sha256)
    return mode_of(config)


def _scale(crops: list[np.ndarray], options: EfficientSamOptions) -> float:
    if not all(np.isfinite(crop).all() for crop in crops):
        return UNKNOWN_SCALE_PX
    crops = [np.asarray(crop, np.float32) for crop in crops]
    look = look_of(crops, polarity="bright" if options.polarity == "bright" else "dark")
    return look.scale_px if look else UNKNOWN_SCALE_PX


def _view(shape: tuple[int, ...], scale: float, options: EfficientSamOptions, default_view_px: int) -> int:
    """Return the edge of the views.

    As for the other networks, but so small that a typical particle is :data:`LEAST_POINTS`
    points of the mask lattice wide: finer than that masks cannot be told apart.
    """
    if options.mode == "semantic":
        return fitting_view(shape, default_view_px)
    edge = fitting_view(shape, PUBLISHED_PX, magnified=PUBLISHED_PX / LEAST_PX)
    wide = 2 * 2**0.5 * scale * _LATTICE / LEAST_POINTS
    return min(edge, max(LEAST_VIEW_PX, int(wide) // _VIEW_GRID * _VIEW_GRID))
