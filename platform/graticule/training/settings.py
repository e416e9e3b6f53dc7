"""What a user can choose when training, checked where it comes in and saved beside the result."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from graticule.core.errors import ConfigError, UnknownNameError
from graticule.core.refusal import refusal
from graticule.models.architecture import ARCHITECTURES, TRACKERS

ALL = "all"
Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class TrainSettings(BaseModel):
    """All that decides which networks are trained on what, and where they go. Paths are absolute."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = ALL
    """A network's name, a segmenter's or a tracker's; or ``all`` segmenters."""
    data: Annotated[tuple[str, ...], Field(min_length=1)]
    """Labelled images: folders, experiments, ``synthetic:PRESET``."""
    shares: tuple[Weight, ...] = ()
    """How often each of ``data`` is drawn from; all alike by default."""
    validation: tuple[str, ...] = ()
    """Labelled images to validate on; by default a part of ``data`` is held out."""
    out: str
    """Folder or URL; each network gets a folder of its own in it."""
    recipe: str | None = None
    """Name or file of a recipe; by default each network's own."""
    overrides: dict[str, Any] = Field(default_factory=dict)
    """Values of the recipe that differ, by name."""
    held_out: Annotated[float, Field(gt=0, lt=1)] = 0.15
    """Share of each of ``data`` to hold out."""
    validated: Annotated[int, Field(ge=1)] = 16
    """Most images to validate on after each epoch, evenly from where they come."""
    excluded: tuple[str, ...] = ()
    """Images neither to train nor to validate on, by the names of their files, ending or not."""
    overwrite: bool = False
    """Whether to replace the result of another recipe or other data."""
    registered: bool = True
    """Whether to log the training to MLflow and register what it gives."""

    @property
    def networks(self) -> tuple[str, ...]:
        """Names of the networks to train, in order."""
        return tuple(sorted(ARCHITECTURES)) if self.model == ALL else (self.model,)

    @property
    def weights(self) -> tuple[float, ...]:
        """A share for each of ``data``."""
        return self.shares or (1.0,) * len(self.data)

    @model_validator(mode="after")
    def _a_share_each(self) -> "TrainSettings":
        if self.shares and len(self.shares) != len(self.data):
            raise ValueError(
                f"give one --share for each --data, or none; got {len(self.shares)} for {len(self.data)}"
            )
        if self.shares and not sum(self.shares) > 0:
            raise ValueError("all shares are 0; give one above 0")
        return self


def train_settings(**values: Any) -> TrainSettings:
    """Return settings of a user's values.

    Raises:
        UnknownNameError: If there is no such network.
        ConfigError: If a value cannot be; one line with its name and value.
    """
    model = values.get("model", ALL)
    if model != ALL and model not in (*ARCHITECTURES, *TRACKERS):
        raise UnknownNameError("network", str(model), [*ARCHITECTURES, *TRACKERS, ALL])
    if not values.get("data"):
        raise ConfigError("nothing to train on is given; add --data DIR, EXP or synthetic:medium")
    if values.get("validation") and "held_out" in values:
        raise ConfigError(
            f"held_out = {values['held_out']}: where images to validate on are given, none are held out;"
            " leave one of the two out"
        )
    try:
        return TrainSettings.model_validate(values)
    except ValidationError as error:
        raise ConfigError(_said(error)) from None


def _said(error: ValidationError) -> str:
    first = error.errors()[0]
    return (
        str(first["msg"]).removeprefix("Value error, ") if not first["loc"] else refusal(error, TrainSettings)
    )
