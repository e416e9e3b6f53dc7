"""Segmenters by name: make one, or fit its options to a movie."""

import os
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from jaxtyping import Num
from pydantic import BaseModel, ValidationError

from graticule.core.errors import ConfigError
from graticule.core.refusal import refusal
from graticule.core.registry import look_up
from graticule.core.segmenter import Segmenter

SEGMENTERS = {
    "efficient-sam-ti": "graticule.models.efficient_sam.segmenter:EfficientSam",
    "swin-unet": "graticule.models.swin_unet.segmenter:SwinUnet",
    "threshold": "graticule.models.threshold:Threshold",
    "vmamba": "graticule.models.vm_unet.segmenter:Vmamba",
    "yolov8n-seg": "graticule.models.yolo.segmenter:Yolo",
}
"""Name -> class. It takes its ``Options`` and has ``adapted(options, frames) -> options``."""

WITHOUT_NETWORK = ("threshold",)
"""Segmenters that have learnt nothing, and so have no weights."""

DEFAULT = "vmamba"
"""Of the networks that ship weights and need no extra, the best on images that trained none
(docs/segmenters.md)."""
DEFAULT_VARIABLE = "GRATICULE_SEGMENTER"

WEIGHTS, SHA256 = "weights", "weights_sha256"
"""Options of every segmenter with a network."""


def default_segmenter() -> str:
    """Return what is segmented by unless a user chooses: ``$GRATICULE_SEGMENTER``, or :data:`DEFAULT`."""
    return os.environ.get(DEFAULT_VARIABLE) or DEFAULT


def create(name: str, **options: Any) -> Segmenter:
    """Return the segmenter called ``name``; a network is loaded when it first segments.

    Raises:
        UnknownNameError: If there is none of that name.
        ConfigError: If it knows no such option, or not with such a value.
    """
    kind = look_up("segmenter", SEGMENTERS, name)
    segmenter: Segmenter = kind(_checked(name, kind.Options, options))
    return segmenter


def refitted(segmenter: Segmenter, options: Mapping[str, Any]) -> Segmenter:
    """Return a segmenter of the same kind with other options, which uses the same network in memory.

    Args:
        segmenter: Whose network is used; loaded if it was not.
        options: As :func:`adapt` returns them, of the same weights.

    Raises:
        ConfigError: If there is no such option, or not with such a value.
        InputError: If the weights cannot be had.
    """
    kind: Any = type(segmenter)
    checked = _checked(segmenter.name, kind.Options, options)
    given = () if segmenter.name in WITHOUT_NETWORK else (segmenter.network_in_memory(),)  # type: ignore[attr-defined]
    fitted: Segmenter = kind(checked, *given)
    return fitted


def adapt(name: str, options: Mapping[str, Any], frames: Iterable[Num[np.ndarray, "y x"]]) -> dict[str, Any]:
    """Return ``options`` with all that is "auto" resolved to fit a movie, weights pinned.

    A pure function of what is given; the result goes to :func:`create` and into the run's
    record, so that every window of a movie is segmented alike.

    Args:
        name: The segmenter.
        options: What the user asked for.
        frames: A few frames, evenly spaced over the movie.

    Raises:
        UnknownNameError: If there is no segmenter of that name.
        ConfigError: If it knows no such option, or not with such a value; if it has no weights.
        InputError: If its weights cannot be had.
    """
    kind = look_up("segmenter", SEGMENTERS, name)
    resolved: BaseModel = kind.adapted(_checked(name, kind.Options, pinned(name, options)), frames)
    return resolved.model_dump()


def pinned(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``options`` with the weights named so that they stay the same while a job runs.

    An alias becomes a version, a path absolute, and their digest is added. What is pinned
    already stays as it is.

    Raises:
        UnknownNameError: If there is no segmenter of that name.
        ConfigError: If an option cannot be, or it has no weights.
        InputError: If its weights cannot be had, or do not have the digest asked for.
    """
    kind = look_up("segmenter", SEGMENTERS, name)
    _checked(name, kind.Options, options)
    if name in WITHOUT_NETWORK:
        return dict(options)
    from graticule.models.weights import pinned_weights

    weights = options.get(WEIGHTS, kind.Options.model_fields[WEIGHTS].default)
    return {**options, **pinned_weights(name, weights, sha256=options.get(SHA256))}


def identity(name: str, options: Mapping[str, Any]) -> dict[str, str]:
    """Return what lies outside a segmenter's options and changes its results.

    Nothing for one without a network; for the others the digest of their weights, which
    counts in place of the weights' name: a moved file is the same file.

    Raises:
        See :func:`pinned`.
    """
    return {} if name in WITHOUT_NETWORK else {SHA256: pinned(name, options)[SHA256]}


def check_weights(name: str, options: Mapping[str, Any]) -> None:
    """Load a segmenter's weights once, so that what is wrong with them is known early.

    Args:
        name: The segmenter.
        options: As :func:`pinned` returns them.

    Raises:
        ConfigError: If there are none.
        InputError: If they are damaged, or of another network.
    """
    if name not in WITHOUT_NETWORK:
        from graticule.models.weights import load_network

        load_network(name, options[WEIGHTS], sha256=options[SHA256])


def _checked(name: str, model: type[BaseModel], options: Mapping[str, Any]) -> BaseModel:
    if WEIGHTS in options and name in WITHOUT_NETWORK:
        learned = ", ".join(sorted(set(SEGMENTERS) - set(WITHOUT_NETWORK)))
        raise ConfigError(f"segmenter {name} has no weights; leave --weights out, or choose one of {learned}")
    try:
        return model.model_validate(dict(options))
    except ValidationError as error:
        raise ConfigError(f"segmenter {name}: {refusal(error, model)}") from None
