"""Segment + link on two workers against a plain loop over the same functions."""

import time
from pathlib import Path

from steady import start_up, steady_rate

from graticule.core.calibration import Calibration
from graticule.core.progress import ignore
from graticule.pipeline.in_process import run_in_process
from graticule.pipeline.link import link_steps
from graticule.pipeline.on_ray import RunOnRay
from graticule.pipeline.process import one_thread
from graticule.pipeline.segment import adapted_options, segment_steps
from graticule.pipeline.session import ray_session
from graticule.pipeline.settings import SegmentSettings
from graticule.pipeline.simulate import simulate_experiment
from graticule.pipeline.step import Executor, Timing
from graticule.storage.experiment import Experiment

FRAMES = 200


def measure(folder: Path) -> list[str]:
    """Return the table of the benchmark."""
    loop = _run(_experiment(folder / "loop.ome.zarr"), run_in_process)
    with ray_session(workers=2):
        _run(_experiment(folder / "warm.ome.zarr", frames=32), RunOnRay(workers=2))
        two = _run(_experiment(folder / "two.ome.zarr"), RunOnRay(workers=2))
    one_s, two_s = sum(loop.seconds), sum(two.seconds)
    lines = [
        f"Segment + link of 512 x 512 `medium`, {FRAMES} frames, one thread per process.",
        "",
        "| step | plain loop s | two workers s | start-up of the workers s |",
        "|---|---|---|---|",
    ]
    for name, a, b, c in zip(loop.names, loop.seconds, two.seconds, two.startup, strict=True):
        lines.append(f"| {name} | {a:.2f} | {b:.2f} | {c:.2f} |")
    lines += [f"| all | {one_s:.2f} | {two_s:.2f} | {sum(two.startup):.2f} |", ""]
    return [*lines, f"**Ratio {one_s / two_s:.2f}** (asked: at least 1.5), start-up excluded."]


class _Measured:
    def __init__(self) -> None:
        self.names: list[str] = []
        self.seconds: list[float] = []
        self.startup: list[float] = []

    def add(self, name: str, submitted: float, timings: list[Timing]) -> None:
        frames = sum(timing.frames for timing in timings)
        self.names.append(name)
        self.startup.append(start_up(submitted, timings))
        single = len({timing.worker for timing in timings}) == 1
        whole = max(t.ended for t in timings) - min(t.began for t in timings)
        self.seconds.append(whole if single else frames / steady_rate(timings))


def _run(experiment: Experiment, execute: Executor) -> _Measured:
    one_thread()
    measured = _Measured()
    run = experiment.run("bench-0")
    run.start({}, {})
    options = adapted_options(experiment, SegmentSettings())
    experiment.create_labels("instances")
    experiment.create_labels("tracks")
    steps = segment_steps(experiment, run, "threshold", options, None)
    for step in [*steps, *link_steps(experiment, run, "overlap", {})]:
        submitted = time.time()
        measured.add(step.name, submitted, execute(step, ignore))
    return measured


def _experiment(path: Path, frames: int = FRAMES) -> Experiment:
    experiment = simulate_experiment(
        str(path),
        preset="medium",
        frames=frames,
        size=512,
        seed=1,
        calibration=Calibration(),
        listener=ignore,
    )
    experiment.remove("labels", "tables", "tracks.geff")
    return experiment
