"""What goes in and what comes out, as the OpenAPI description has it.

Prompts are x, y as a mouse has them; all positions in answers are y, x as arrays have them.
Pixel centres are whole numbers, so the corner of the first pixel is at -0.5, -0.5. A length in nm is
the one in px beside it times the pixel size, and an area its square: nothing is rounded again.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from graticule.tracking import default_tracker

Outlines = Literal["polygon", "rle", "none"]
PixelSize = Annotated[float, Field(ge=1e-6, le=1e6, allow_inf_nan=False)]
Coordinate = Annotated[float, Field(allow_inf_nan=False)]
Moment = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
MODEL = Annotated[str, Field(min_length=1, max_length=200)]
SCALE_HELP = "Edge of a pixel in nm; where it is not given, that of the file, if it holds one."
MODEL_HELP = (
    "`champion` (default), a network as `GET /v1/models` lists it, or a registered version"
    " `models:/graticule-segmenter/3`."
)


class Contract(BaseModel):
    """Base of all: frozen, and closed to unknown names."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Prompts(Contract):
    """Points and boxes in image pixels, x before y."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"points": [[120, 84, 1], [140, 90, 0]], "boxes": [[30, 40, 80, 96]]}]
        }
    )

    points: list[tuple[Coordinate, Coordinate, Literal[0, 1]]] = Field(
        default=[],
        description="`[x, y, 1]` asks for the particle there; `[x, y, 0]` lies in none of those asked for.",
    )
    boxes: list[tuple[Coordinate, Coordinate, Coordinate, Coordinate]] = Field(
        default=[], description="`[x0, y0, x1, y1]` asks for the particle in it; first and last pixel within."
    )


class SegmentOptions(Contract):
    """How an image is to be segmented."""

    model: MODEL | None = Field(default=None, description=MODEL_HELP, examples=["champion"])
    pixel_size_nm: PixelSize | None = Field(default=None, description=SCALE_HELP, examples=[0.25])
    polarity: Literal["auto", "dark", "bright"] = Field(
        default="auto",
        description="Whether particles are darker or brighter than the film.",
    )
    outlines: Outlines = Field(
        default="polygon", description="How JSON gives the shape of an instance: exactly, in either form."
    )
    prompts: Prompts | None = Field(
        default=None,
        description="JSON. With prompts only the particles asked for are found, by a network that takes them"
        " (`efficient-sam-ti`, which is then the default).",
    )


class ViewOptions(Contract):
    """An image is shown as it is; there is nothing to choose."""


class Rle(Contract):
    """A mask as COCO's uncompressed run lengths: by columns, background first."""

    size: tuple[int, int] = Field(description="Height and width of the image.")
    counts: list[int]


class Instance(Contract):
    """One particle."""

    id: int = Field(
        ge=1,
        description="Its value in the label image. Where the answers to prompts overlap, a pixel is there of"
        " the one with the higher score.",
    )
    area_px: int = Field(ge=1, description="Pixels.")
    centroid: tuple[float, float] = Field(description="y, x in pixels.")
    box: tuple[int, int, int, int] = Field(description="y0, x0, y1, x1 in pixels, the end not within.")
    equivalent_diameter_px: float = Field(description="Of the disc of the same area.")
    touches_border: bool
    score: float = Field(
        ge=0, le=1, description="Mean foreground probability; with prompts, the IoU that the network expects."
    )
    prompt: str | None = Field(default=None, description="Which prompt it answers: `point 0`, `box 2`.")
    area_nm2: float | None = Field(default=None, description="`area_px` times the pixel size squared.")
    centroid_nm: tuple[float, float] | None = Field(
        default=None, description="y, x: `centroid` times the pixel size."
    )
    box_nm: tuple[float, float, float, float] | None = Field(
        default=None, description="y0, x0, y1, x1: `box` times the pixel size."
    )
    equivalent_diameter_nm: float | None = Field(
        default=None, description="`equivalent_diameter_px` times the pixel size."
    )
    polygon: list[list[tuple[float, float]]] | None = Field(
        default=None,
        description="Closed rings of y, x along pixel edges (at halves), filled by the even-odd rule.",
    )
    rle: Rle | None = None


class SegmentAnswer(Contract):
    """All particles of an image."""

    model: str = Field(description="The network that answered.", examples=["swin-unet"])
    weights: str = Field(examples=["builtin", "models:/graticule-segmenter/3"])
    champion: bool = Field(description="Whether this is the champion.")
    height: int
    width: int
    pixel_size_nm: float | None = None
    polarity: Literal["dark", "bright"] | None = Field(
        default=None, description="How particles were taken to be."
    )
    notes: list[str] = Field(default=[], description="What you should know of this answer.")
    instances: list[Instance]


class ModelEntry(Contract):
    """A model that can be asked for."""

    name: str = Field(
        description="What `model` says to ask for it.", examples=["models:/graticule-segmenter/3"]
    )
    network: str = Field(examples=["swin-unet"])
    weights: str
    champion: bool
    takes_prompts: bool
    parameters: int | None = None
    native_px: int | None = Field(default=None, description="Edge of the square the network was made for.")
    licence: str
    metrics: dict[str, float] = Field(
        default={}, description="From MLflow, for registered versions.", examples=[{"score": 0.81}]
    )


class ModelsAnswer(Contract):
    """The models, and which of them is champion."""

    champion: str = Field(description="Whom `champion` stands for now: a `name` in `models`.")
    champion_from: Literal["registry", "default"]
    champion_problem: str | None = Field(
        default=None, description="Why the registry's champion does not answer, where it does not."
    )
    models: list[ModelEntry]


class TrackOptions(Contract):
    """How a movie is to be tracked."""

    model: MODEL | None = Field(default=None, description=MODEL_HELP, examples=["threshold"])
    tracker: str = Field(default_factory=default_tracker, min_length=1, max_length=100, examples=["overlap"])
    pixel_size_nm: PixelSize | None = Field(default=None, description=SCALE_HELP, examples=[0.25])
    frame_interval_s: Annotated[float, Field(ge=1e-12, le=1e9, allow_inf_nan=False)] | None = Field(
        default=None, description="Where it is not given, that of the file, if it holds one.", examples=[0.5]
    )
    polarity: Literal["auto", "dark", "bright"] = "auto"


class JobProgress(Contract):
    """How far a stage is."""

    stage: str = Field(examples=["segment"])
    done: int
    total: int
    unit: str = Field(examples=["frames"])


class JobResult(Contract):
    """A file to be had."""

    name: str = Field(examples=["particles.csv"])
    url: str
    media_type: str
    size_bytes: int


class JobAnswer(Contract):
    """A movie's way through the pipeline."""

    id: str
    status: Literal["queued", "running", "done", "failed"]
    url: str
    created: Moment = Field(description="ISO 8601, UTC.")
    expires: Moment = Field(description="When it and all its files are gone, at the latest.")
    frames: int | None = None
    height: int | None = None
    width: int | None = None
    progress: JobProgress | None = None
    problem: str | None = Field(default=None, description="Why it failed: one line, with the remedy.")
    notes: list[str] = []
    results: list[JobResult] = []


class Example(Contract):
    """A simulated image to try things with."""

    name: str = Field(examples=["medium"])
    title: str
    height: int
    width: int
    pixel_size_nm: float
    particles: int = Field(description="How many there are in truth.")
    url: str


class Health(Contract):
    """Whether it lives, or can answer."""

    status: Literal["ok", "starting"]
    detail: str | None = None


class ProblemAnswer(BaseModel):
    """RFC 9457: what went wrong."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(examples=["urn:graticule:too-large"])
    title: str
    status: int
    detail: str = Field(description="One line: what was wrong, with its value, and the remedy.")
    instance: str | None = Field(default=None, description="The request's id, as in the log.")
