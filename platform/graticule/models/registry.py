"""Segmenters by name: make one, or fit its options to a movie."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from jaxtyping import Num
from pydantic import BaseModel, ValidationError

from graticule.core.errors import ConfigError
from graticule.core.registry import look_up
from graticule.core.segmenter import Segmenter

SEGMENTERS = {"threshold": "graticule.models.threshold:Threshold"}
"""Name -> class. It takes its ``Options`` and has ``adapted(options, frames) -> options``."""


def create(name: str, **options: Any) -> Segmenter:
    """Return the segmenter called ``name``.

    Raises:
        UnknownNameError: If there is none of that name.
        ConfigError: If it knows no such option, or not with such a value.
    """
    kind = look_up("segmenter", SEGMENTERS, name)
    segmenter: Segmenter = kind(_checked(name, kind.Options, options))
    return segmenter


def adapt(name: str, options: Mapping[str, Any], frames: Iterable[Num[np.ndarray, "y x"]]) -> dict[str, Any]:
    """Return ``options`` with all that is "auto" resolved to fit a movie.

    A pure function of what is given; the result goes to :func:`create` and into the run's
    record, so that every window of a movie is segmented alike.

    Args:
        name: The segmenter.
        options: What the user asked for.
        frames: A few frames, evenly spaced over the movie.

    Raises:
        UnknownNameError: If there is no segmenter of that name.
        ConfigError: If it knows no such option, or not with such a value.
    """
    kind = look_up("segmenter", SEGMENTERS, name)
    resolved: BaseModel = kind.adapted(_checked(name, kind.Options, options), frames)
    return resolved.model_dump()


def _checked(name: str, model: type[BaseModel], options: Mapping[str, Any]) -> BaseModel:
    unknown = sorted(set(options) - set(model.model_fields))
    if unknown:
        known = ", ".join(sorted(model.model_fields))
        raise ConfigError(f"segmenter {name} has no option {unknown[0]!r}; known: {known}")
    try:
        return model.model_validate(dict(options))
    except ValidationError as error:
        first = error.errors()[0]
        option = first["loc"][0] if first["loc"] else "options"
        raise ConfigError(
            f"segmenter {name}: {option} = {first['input']!r} cannot be: {first['msg']}"
        ) from None
