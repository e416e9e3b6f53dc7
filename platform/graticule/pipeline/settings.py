"""What a user can choose, checked where it comes in and saved beside the result."""

import hashlib
import json
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from graticule.core.errors import ConfigError
from graticule.models.registry import default_segmenter
from graticule.tracking import default_tracker


class Settings(BaseModel):
    """Base of all settings: frozen, and closed to unknown names."""

    model_config = ConfigDict(frozen=True, extra="forbid")


S = TypeVar("S", bound=Settings)


class IngestSettings(Settings):
    """Which part of the movie is taken, and its scale where the file does not tell."""

    frames: str | None = None
    crop: str | None = None
    average: int = Field(default=1, ge=1)
    pixel_size_nm: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    frame_interval_s: float | None = Field(default=None, gt=0, allow_inf_nan=False)


class SegmentSettings(Settings):
    """How particles are found. ``options`` belong to the segmenter.

    ``tile`` is the edge of what a window writes, in px; by default it fits the segmenter.
    ``champion`` is the registered version that a segmenter called ``champion`` stood for, see
    :mod:`graticule.pipeline.champion`.
    """

    segmenter: str = Field(default_factory=default_segmenter)
    champion: str | None = None
    tile: int | None = Field(default=None, ge=32)
    polarity: Literal["dark", "bright", "auto"] = "auto"
    min_diameter_px: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    min_diameter_nm: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    options: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_diameter(self) -> "SegmentSettings":
        if self.min_diameter_px is not None and self.min_diameter_nm is not None:
            raise ValueError("give the smallest diameter in px or in nm, not both")
        return self

    @model_validator(mode="after")
    def _said_once(self) -> "SegmentSettings":
        diameter = self.min_diameter_px if self.min_diameter_nm is None else self.min_diameter_nm
        said = {"polarity": self.polarity != "auto", "min_diameter_px": diameter is not None}
        twice = [name for name in said if said[name] and name in self.options]
        if twice:
            raise ValueError(
                f"{twice[0]} is given twice, by --option {twice[0]} = {self.options[twice[0]]!r} and by an"
                " option of its own; leave one out"
            )
        return self


class LinkSettings(Settings):
    """How particles are followed. ``options`` belong to the tracker."""

    tracker: str = Field(default_factory=default_tracker)
    options: dict[str, Any] = Field(default_factory=dict)


class TrackSettings(Settings):
    """All that decides the result of one movie."""

    ingest: IngestSettings = IngestSettings()
    segment: SegmentSettings = Field(default_factory=SegmentSettings)
    link: LinkSettings = Field(default_factory=LinkSettings)


def checked(kind: type[S], values: dict[str, Any]) -> S:
    """Build settings from a user's values.

    Raises:
        ConfigError: If a value cannot be; one line with its name and value.
    """
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        raise ConfigError("; ".join(_problem(item) for item in error.errors())) from None


def _problem(item: Any) -> str:
    name = "--" + ".".join(str(part) for part in item["loc"]).replace("_", "-")
    message = str(item["msg"]).removeprefix("Value error, ")
    return message if name == "--" else f"{name} {item['input']!r}: {message}"


def digest(*parts: object) -> str:
    """Return 16 hex digits that stand for JSON-able ``parts``."""
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
