"""All that decides what a training run learns, in one value that is saved beside its result."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from graticule.models.architecture import TRACKERS

Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
Range = tuple[float, float]


def _rises_from_above_0(value: Range) -> Range:
    if not 0 < value[0] <= value[1] < float("inf"):
        raise ValueError(f"need a range LOW, HIGH with 0 < LOW <= HIGH, got {value[0]}, {value[1]}")
    return value


Rising = Annotated[Range, AfterValidator(_rises_from_above_0)]


class Augmentation(BaseModel):
    """What may happen to a crop, as it happens in microscopes. Ranges are drawn from evenly."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    untouched: Share = 0.25
    """Chance of a crop turned by quarters only, at the very magnification at which a segmenter sees
    the image: any other resampling smooths noise otherwise."""
    scale: Rising = (0.7, 1.4)
    """Magnification relative to that at which a segmenter sees the image, drawn evenly in its logarithm."""
    rotate: Share = 1.0
    """Chance of a turn by any angle; the others are turned by quarters."""
    flip: bool = True
    """Whether crops are mirrored."""
    contrast: Rising = (0.6, 1.4)
    """Factor of the contrast; at 1 the darkest grey absorbs three electrons in ten."""
    gamma: Rising = (0.7, 1.4)
    """Exponent of the grey levels."""
    gradient: Annotated[float, Field(ge=0, le=2)] = 0.4
    """Largest difference of brightness across the crop."""
    fringe: Share = 0.2
    """Chance of a bright or dark rim around particles, as a little defocus makes."""
    grain: Share = 0.25
    """Chance of a film whose grain is as coarse as small particles, and no more seen than those are."""
    dose: Rising = (20.0, 1000.0)
    """Electrons per pixel, of which Poisson noise is drawn; drawn evenly in its logarithm, and more
    where particles would not be seen any more (:mod:`graticule.training.augment.visibility`)."""
    noise: Share = 0.5
    """Chance of that noise."""
    blur: Annotated[float, Field(ge=0, le=8)] = 1.2
    """Largest standard deviation of a blur, in pixels."""
    blurred: Share = 0.3
    """Chance of a blur, of what the camera sees or of what it records, noise included."""
    margin: Annotated[float, Field(ge=0, le=0.4)] = 0.1
    """Most that the frame leaves free of the range 0..1 at either end; half as much it may exceed it."""
    broken: Share = 0.1
    """Chance of some pixels that are white or black whatever arrives."""
    polarity: Share = 0.0
    """Chance of black and white changing places."""


class Recipe(BaseModel):
    """How a network is trained. Counts of images are for all workers together.

    A step's ``batch`` is cut into ``slots``, that workers share; statistics and normalisers
    are a slot's own. So the number of workers does not change what is learnt.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    network: str
    """One of :data:`graticule.models.architecture.ARCHITECTURES`."""
    config: dict[str, Any] = Field(default_factory=dict)
    """Sizes of the network that differ from its defaults; ignored where ``start`` has its own."""
    start: str = "random"
    """Weights to begin with: ``random``, ``builtin``, a path, a URL, ``models:/name@alias``."""
    task: Literal["auto", "semantic", "prompted", "joint"] = "auto"
    """What EfficientSAM learns: one foreground mask, masks for prompts, or (``auto``) both."""
    size: Annotated[int, Field(ge=32)]
    """Edge of a crop, in pixels."""
    batch: Count = 8
    """Images of a step."""
    slots: Count = 1
    """Parts of a step's batch that go through the network one after the other, or on as many workers."""
    epochs: Count = 20
    """Most; after each it is validated."""
    steps: Count = 100
    """Steps of an epoch."""
    learning_rate: Positive = 1e-3
    """Highest rate of AdamW."""
    warmup: Annotated[int, Field(ge=0)] = 100
    """Steps over which the learning rate rises; from there it falls as a cosine."""
    final_rate: Share = 0.01
    """Of the learning rate, at the end."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.05
    """Of AdamW."""
    clip: Positive = 1.0
    """Largest norm of the gradient."""
    ema: Annotated[float, Field(ge=0, lt=1)] = 0.998
    """Decay of the moving average of the weights that is validated and saved."""
    precision: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """Of the computation: ``auto`` is float32 on a CPU, bfloat16 on CUDA."""
    checkpointing: bool = False
    """Whether to keep only what passes between blocks, and compute the rest again."""
    patience: Count | None = None
    """Epochs without a better metric after which to stop."""
    distance_weight: Annotated[float, Field(ge=0)] = 1.0
    """Of the centre distance in the loss of networks that tell it."""
    prompts: Count = 16
    """Points asked per image."""
    augmentation: Augmentation = Augmentation()
    """What may happen to a crop."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Of all that is drawn."""

    @model_validator(mode="after")
    def _slots_share_the_batch(self) -> "Recipe":
        if self.batch % self.slots:
            raise ValueError(f"batch must be a multiple of slots, got {self.batch} and {self.slots}")
        return self


class Clips(BaseModel):
    """What clips of movies a tracker is trained on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    frames: Annotated[int, Field(ge=2)] = 4
    """Of a clip; the first is the reference."""
    stride: Count = 3
    """Most frames of a movie from one frame of a clip to the next."""
    diameter: Rising = (14.0, 48.0)
    """Of typical objects in a clip, in pixels, drawn evenly in its logarithm."""


class TrackerRecipe(Recipe):
    """How a tracker is trained: on clips, of which ``size`` is the edge and ``batch`` the number."""

    clips: Clips = Clips()


def recipe_kind(network: str) -> type[Recipe]:
    """Return the kind of recipes of a network."""
    return TrackerRecipe if network in TRACKERS else Recipe
