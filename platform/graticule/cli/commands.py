"""The commands, one function each."""

import json
import logging
from enum import StrEnum
from typing import Annotated, Any

import typer

from graticule.cli.compare import compare
from graticule.cli.compare_trackers import compare_trackers
from graticule.cli.doctor import doctor
from graticule.cli.execution import count_movie, execution
from graticule.cli.mlflow import mlflow
from graticule.cli.models import models_app
from graticule.cli.paths import located, located_weights
from graticule.cli.progress import progress_bars
from graticule.cli.promote import promote
from graticule.cli.saying import say
from graticule.cli.train import train
from graticule.cli.values import named_values
from graticule.cli.version import options
from graticule.core.errors import ConfigError, GraticuleError
from graticule.core.keyless import without_keys
from graticule.models.registry import DEFAULT, DEFAULT_VARIABLE
from graticule.pipeline.champion import without_alias
from graticule.pipeline.settings import (
    IngestSettings,
    LinkSettings,
    SegmentSettings,
    TrackSettings,
    checked,
)
from graticule.storage.place import Place
from graticule.tracking import DEFAULT as DEFAULT_TRACKER
from graticule.tracking import DEFAULT_VARIABLE as DEFAULT_TRACKER_VARIABLE

log = logging.getLogger(__name__)
app = typer.Typer(
    help="Segment, track and measure particles in in-situ electron-microscopy movies.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.callback()(options)
app.add_typer(models_app, name="models")
app.command()(train)
app.command()(mlflow)
app.command()(compare)
app.command()(compare_trackers)
app.command()(promote)
app.command()(doctor)


class Polarity(StrEnum):
    """How particles stand out."""

    dark = "dark"
    bright = "bright"
    auto = "auto"


Out = Annotated[str, typer.Option("--out", help="Experiment to write: a folder or URL, *.ome.zarr")]
Frames = Annotated[str | None, typer.Option("--frames", help="Frames to take, e.g. 0:100")]
Crop = Annotated[str | None, typer.Option("--crop", help="Pixels to take, y0:y1,x0:x1")]
Average = Annotated[int, typer.Option("--average", help="Average every N frames (low dose)")]
PixelSize = Annotated[float | None, typer.Option("--pixel-size-nm", help="Overrides the file's")]
Interval = Annotated[float | None, typer.Option("--frame-interval-s", help="Overrides the file's")]
SegmenterName = Annotated[
    str,
    typer.Option(
        "--segmenter",
        envvar=DEFAULT_VARIABLE,
        help="How particles are found: champion, or one of: graticule models",
    ),
]
TrackerName = Annotated[
    str, typer.Option("--tracker", envvar=DEFAULT_TRACKER_VARIABLE, help="How particles are followed")
]
Weights = Annotated[
    str | None, typer.Option("--weights", help="Of the network: builtin, FILE, URL or models:/name@alias")
]
Tile = Annotated[int | None, typer.Option("--tile", help="Edge of the windows, px; by default what fits")]
PolarityOption = Annotated[
    Polarity, typer.Option("--polarity", help="Particles darker or brighter than the film")
]
MinPx = Annotated[float | None, typer.Option("--min-diameter-px", help="Drop smaller particles")]
Option = Annotated[
    list[str] | None,
    typer.Option(
        "--option", metavar="NAME=VALUE", help="Of the segmenter, repeatable; see docs/segmenters.md"
    ),
]
TrackerOption = Annotated[
    list[str] | None,
    typer.Option("--tracker-option", metavar="NAME=VALUE", help="Of the tracker, repeatable"),
]
MinNm = Annotated[float | None, typer.Option("--min-diameter-nm", help="Drop smaller particles")]
Workers = Annotated[int | None, typer.Option("--workers", min=1, help="Processes; default: one per CPU")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace another result")]


@app.command()
def track(
    inputs: Annotated[list[str], typer.Argument(metavar="INPUT", help="Movies, or a glob")],
    out: Out,
    frames: Frames = None,
    crop: Crop = None,
    average: Average = 1,
    pixel_size_nm: PixelSize = None,
    frame_interval_s: Interval = None,
    segmenter: SegmenterName = DEFAULT,
    weights: Weights = None,
    tracker: TrackerName = DEFAULT_TRACKER,
    tile: Tile = None,
    polarity: PolarityOption = Polarity.auto,
    min_diameter_px: MinPx = None,
    min_diameter_nm: MinNm = None,
    option: Option = None,
    tracker_option: TrackerOption = None,
    workers: Workers = None,
    overwrite: Overwrite = False,
) -> int:
    """Ingest, segment, link and report. Several inputs: --out is a folder, one experiment each."""
    settings = TrackSettings(
        ingest=_ingest(frames, crop, average, pixel_size_nm, frame_interval_s),
        segment=_segment(segmenter, weights, tile, polarity, min_diameter_px, min_diameter_nm, option),
        link=_link(tracker, tracker_option),
    )
    from graticule.io import expand_inputs

    sources = expand_inputs([located(name) for name in inputs])
    single = len(sources) == 1 and len(inputs) == 1 and sources[0] == located(inputs[0])
    targets = [located(out)] if single else _targets(sources, located(out))
    return _track_all(list(zip(sources, targets, strict=True)), settings, workers, overwrite)


@app.command()
def ingest(
    source: Annotated[str, typer.Argument(metavar="INPUT")],
    out: Out,
    frames: Frames = None,
    crop: Crop = None,
    average: Average = 1,
    pixel_size_nm: PixelSize = None,
    frame_interval_s: Interval = None,
    workers: Workers = None,
    overwrite: Overwrite = False,
) -> None:
    """Copy a movie into an experiment, with its pyramid."""
    from graticule.pipeline.single import ingest_movie

    settings = _ingest(frames, crop, average, pixel_size_nm, frame_interval_s)
    with execution(workers) as how:
        ingest_movie(located(source), located(out), settings, overwrite=overwrite, **how)
    say(f"image: {located(out)}")


@app.command()
def segment(
    source: Annotated[
        str, typer.Argument(metavar="EXP|INPUT", help="An experiment, or any movie with --out")
    ],
    out: Annotated[str | None, typer.Option("--out", help="Folder for label images of a movie")] = None,
    segmenter: SegmenterName = DEFAULT,
    weights: Weights = None,
    tile: Tile = None,
    polarity: PolarityOption = Polarity.auto,
    min_diameter_px: MinPx = None,
    min_diameter_nm: MinNm = None,
    option: Option = None,
    pixel_size_nm: PixelSize = None,
    workers: Workers = None,
    overwrite: Overwrite = False,
) -> None:
    """Find particles: in an experiment, or of a movie as label images."""
    from graticule.pipeline.label_images import segment_to_folder, stills
    from graticule.pipeline.single import segment_experiment
    from graticule.storage.experiment import Experiment

    settings = _segment(segmenter, weights, tile, polarity, min_diameter_px, min_diameter_nm, option)
    if out is not None:
        with progress_bars() as listener:
            movies = stills(located(source), pixel_size_nm=pixel_size_nm)
            written = segment_to_folder(
                movies, located(out), settings, listener=listener, overwrite=overwrite
            )
        say(f"labels: {located(out)} ({written} images)")
        return
    if not Experiment.exists(located(source)):
        raise ConfigError(
            f"{located(source)} is no experiment; add --out DIR for label images of a movie,"
            " or make an experiment of it first: graticule ingest INPUT --out EXP"
        )
    with execution(workers) as how:
        segment_experiment(located(source), settings, overwrite=overwrite, **how)
    say(f"instances: {located(source)}/labels/instances")


@app.command()
def link(
    experiment: Annotated[str, typer.Argument(metavar="EXP")],
    tracker: TrackerName = DEFAULT_TRACKER,
    tracker_option: TrackerOption = None,
    workers: Workers = None,
    overwrite: Overwrite = False,
) -> None:
    """Follow the particles; write the tables and the graph."""
    from graticule.pipeline.single import link_experiment

    settings = _link(tracker, tracker_option)
    with execution(workers) as how:
        link_experiment(located(experiment), settings, overwrite=overwrite, **how)
    say(f"tables: {located(experiment)}/tables")


@app.command()
def report(experiment: Annotated[str, typer.Argument(metavar="EXP")], workers: Workers = None) -> None:
    """Draw page, figures and overlay movie of an experiment."""
    from graticule.pipeline.single import report_experiment

    with execution(workers) as how:
        report_experiment(located(experiment), **how)
    say(f"report: {located(experiment)}/report/index.html")


@app.command()
def simulate(
    out: Annotated[str, typer.Argument(metavar="OUT.ome.zarr")],
    preset: Annotated[str, typer.Option("--preset", help="easy, medium or hard")] = "medium",
    frames: Annotated[int, typer.Option("--frames", min=1)] = 100,
    size: Annotated[int, typer.Option("--size", min=32, help="Edge of the frames, px")] = 512,
    seed: Annotated[int, typer.Option("--seed", min=0)] = 0,
    pixel_size_nm: PixelSize = None,
    frame_interval_s: Interval = None,
    overwrite: Overwrite = False,
) -> None:
    """Write a synthetic movie whose labels and tables are the truth."""
    from graticule.core.calibration import Calibration
    from graticule.pipeline.simulate import simulate_experiment

    calibration = Calibration(pixel_size_nm=pixel_size_nm, frame_interval_s=frame_interval_s)
    with progress_bars() as listener:
        simulate_experiment(
            located(out),
            preset=preset,
            frames=frames,
            size=size,
            seed=seed,
            calibration=calibration,
            listener=listener,
            overwrite=overwrite,
        )
    say(f"experiment: {located(out)}")


@app.command()
def evaluate(
    predicted: Annotated[str, typer.Argument(metavar="PRED")],
    truth: Annotated[str, typer.Argument(metavar="TRUTH")],
    json_file: Annotated[str | None, typer.Option("--json", help="Write all figures here")] = None,
) -> None:
    """Compare two experiments, or two folders of label images."""
    from graticule.pipeline.evaluate import evaluate_paths

    figures = evaluate_paths(located(predicted), located(truth))
    for name, value in figures.items():
        say(f"{name:<24} {_figure(value)}")
    if json_file is not None:
        folder, _, name = located(json_file).rpartition("/")
        Place.at(folder).write(name, json.dumps(figures, indent=2).encode())


@app.command()
def export(
    experiment: Annotated[str, typer.Argument(metavar="EXP")],
    path: Annotated[str, typer.Argument(metavar="PATH")],
    to: Annotated[str, typer.Option("--to", help="csv or tiff")],
    overwrite: Overwrite = False,
) -> None:
    """Write tables or labels in another format."""
    from graticule.pipeline.single import export_experiment

    for written in export_experiment(located(experiment), to, located(path), overwrite=overwrite):
        say(written)


def _ingest(
    frames: str | None, crop: str | None, average: int, pixel: float | None, interval: float | None
) -> IngestSettings:
    values = {"frames": frames, "crop": crop, "average": average}
    return checked(IngestSettings, {**values, "pixel_size_nm": pixel, "frame_interval_s": interval})


def _segment(
    segmenter: str,
    weights: str | None,
    tile: int | None,
    polarity: Polarity,
    min_px: float | None,
    min_nm: float | None,
    options: list[str] | None,
) -> SegmentSettings:
    values: dict[str, Any] = {"segmenter": segmenter, "tile": tile, "polarity": polarity.value}
    named = named_values("--option", options)
    if weights is not None and "weights" in named:
        raise ConfigError(f"--weights {weights} and --option weights={named['weights']}: leave one out")
    weights = weights if weights is not None else named.get("weights")
    if weights is not None:
        named["weights"] = located_weights(str(weights))
    values["options"] = named
    asked = checked(SegmentSettings, {**values, "min_diameter_px": min_px, "min_diameter_nm": min_nm})
    return without_alias(asked)  # once for all movies of a command


def _link(tracker: str, options: list[str] | None) -> LinkSettings:
    return checked(LinkSettings, {"tracker": tracker, "options": named_values("--tracker-option", options)})


def _targets(sources: list[str], folder: str) -> list[str]:
    from graticule.io.places import stem

    targets = [f"{folder.rstrip('/')}/{stem(source)}.ome.zarr" for source in sources]
    twice = {target for target in targets if targets.count(target) > 1}
    if twice:
        raise ConfigError(f"two inputs would both be written to {sorted(twice)[0]}; track them one by one")
    return targets


def _track_all(
    jobs: list[tuple[str, str]], settings: TrackSettings, workers: int | None, overwrite: bool
) -> int:
    from graticule.pipeline.track import track_movie

    failed = 0
    with execution(workers) as how:
        for source, target in jobs:
            try:
                done = track_movie(source, target, settings, overwrite=overwrite, **how)
            except GraticuleError as error:
                count_movie("failed")
                if len(jobs) == 1:
                    raise
                failed += 1
                log.error("error: %s", error if without_keys(source) in str(error) else f"{source}: {error}")
                continue
            if done.worked:
                count_movie("done")
            _say(target, worked=done.worked)
    if failed:
        log.error("%d of %d movies failed", failed, len(jobs))
    return int(failed > 0)


def _say(target: str, *, worked: bool) -> None:
    if not worked:
        say("already finished, nothing to do")
    say(f"experiment: {target}")
    say(f"overlay:    {target}/report/overlay.mp4")
    say(f"report:     {target}/report/index.html")


def _figure(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.4f}" if isinstance(value, float) else str(value)
