"""Single stages of an experiment, by themselves."""

from graticule.core.errors import ExperimentError
from graticule.core.progress import Listener
from graticule.pipeline.checks import check_apart, check_segmenter, check_tracker
from graticule.pipeline.ingest import IngestStage
from graticule.pipeline.link import LinkStage
from graticule.pipeline.publish import ReportStage
from graticule.pipeline.segment import SegmentStage
from graticule.pipeline.settings import IngestSettings, LinkSettings, SegmentSettings
from graticule.pipeline.stage import run_stages
from graticule.pipeline.step import Executor
from graticule.pipeline.track import prepare, selected
from graticule.report.export import export
from graticule.storage.experiment import Experiment


def ingest_movie(
    source: str,
    out: str,
    settings: IngestSettings,
    *,
    execute: Executor,
    listener: Listener,
    overwrite: bool = False,
) -> Experiment:
    """Bring a movie into an experiment at ``out``."""
    check_apart(source, out)
    movie = selected(source, settings)
    stage = IngestStage(movie, settings)
    experiment = prepare(out, movie, stage, overwrite=overwrite)
    run_stages(experiment, [stage], execute=execute, listener=listener, overwrite=overwrite)
    return experiment


def segment_experiment(
    root: str, settings: SegmentSettings, *, execute: Executor, listener: Listener, overwrite: bool = False
) -> Experiment:
    """Find the particles of an ingested experiment."""
    experiment = Experiment.open(root)
    check_segmenter(settings, pixel_size_nm=experiment.calibration.pixel_size_nm)
    stage = SegmentStage(finished_identity(experiment, "ingest"), settings)
    run_stages(experiment, [stage], execute=execute, listener=listener, overwrite=overwrite)
    return experiment


def link_experiment(
    root: str, settings: LinkSettings, *, execute: Executor, listener: Listener, overwrite: bool = False
) -> Experiment:
    """Follow the particles of a segmented experiment."""
    experiment = Experiment.open(root)
    check_tracker(settings)
    stage = LinkStage(finished_identity(experiment, "segment"), settings)
    run_stages(experiment, [stage], execute=execute, listener=listener, overwrite=overwrite)
    return experiment


def report_experiment(root: str, *, execute: Executor, listener: Listener) -> Experiment:
    """Draw the report of a linked experiment."""
    experiment = Experiment.open(root)
    stage = ReportStage(linked_identity(experiment))
    run_stages(experiment, [stage], execute=execute, listener=listener, overwrite=True)
    return experiment


def export_experiment(root: str, to: str, path: str, *, overwrite: bool = False) -> list[str]:
    """Write a linked experiment in another format; return the paths written."""
    experiment = Experiment.open(root)
    linked_identity(experiment)
    return export(experiment, to, path, overwrite=overwrite)


def linked_identity(experiment: Experiment) -> str:
    """Return the identity of what made the tables: linking, or the simulator.

    Raises:
        ExperimentError: If neither has finished.
    """
    stage = "simulate" if any(name.startswith("simulate-") for name in experiment.runs()) else "link"
    return finished_identity(experiment, stage)


def finished_identity(experiment: Experiment, stage: str) -> str:
    """Return the identity of a stage's finished run.

    Raises:
        ExperimentError: If the stage has not finished; says which command does it.
    """
    for run_id in experiment.runs():
        name, _, identity = run_id.rpartition("-")
        if name == stage and experiment.run(run_id).finished:
            return identity
    if stage != "simulate" and any(run_id.startswith("simulate-") for run_id in experiment.runs()):
        raise ExperimentError(
            f"{experiment.root} is a simulated movie, and its labels are the truth;"
            " track it into another experiment: graticule track EXP --out OTHER"
        )
    raise ExperimentError(
        f"{experiment.root} is unfinished: its {stage} stage has no result;"
        f" run graticule {stage}, or the same graticule track command again"
    )
