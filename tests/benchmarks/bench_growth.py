"""Time after the workers started against the number of frames."""

import time
from pathlib import Path

import numpy as np

from graticule.core.calibration import Calibration
from graticule.core.progress import Listener, ignore
from graticule.pipeline.on_ray import RunOnRay
from graticule.pipeline.session import ray_session
from graticule.pipeline.settings import IngestSettings, TrackSettings
from graticule.pipeline.simulate import simulate_experiment
from graticule.pipeline.step import Step, Timing
from graticule.pipeline.track import track_movie

FRAMES = (100, 400, 1600)


def measure(folder: Path) -> list[str]:
    """Return the table of the benchmark."""
    source = folder / "easy.ome.zarr"
    scale = Calibration()
    simulate_experiment(
        str(source), preset="easy", frames=max(FRAMES), size=512, seed=1, calibration=scale, listener=ignore
    )
    with ray_session(workers=2):
        _seconds(source, folder, 32)
        seconds = [_seconds(source, folder, frames) for frames in FRAMES]
    exponent = float(np.polyfit(np.log(FRAMES), np.log(seconds), 1)[0])
    rows = [f"| {n} | {s:.1f} | {n / s:.1f} |" for n, s in zip(FRAMES, seconds, strict=True)]
    return [
        "All of `track`, report included, 512 x 512 `easy`, two workers, after they started.",
        "",
        "| frames | s | frames/s |",
        "|---|---|---|",
        *rows,
        "",
        f"**Growth exponent {exponent:.3f}** (asked: at most 1.05), least squares in the logarithms.",
    ]


class _WithoutStartUp:
    """An executor that adds up how long steps waited for their first worker."""

    def __init__(self) -> None:
        self.waited = 0.0

    def __call__(self, step: Step, listener: Listener) -> list[Timing]:
        submitted = time.time()
        timings = RunOnRay(workers=2)(step, listener)
        self.waited += min(timing.began for timing in timings) - submitted
        return timings


def _seconds(source: Path, folder: Path, frames: int) -> float:
    settings = TrackSettings(ingest=IngestSettings(frames=f"0:{frames}"))
    execute = _WithoutStartUp()
    start = time.time()
    track_movie(str(source), str(folder / f"{frames}.ome.zarr"), settings, execute=execute, listener=ignore)
    return time.time() - start - execute.waited
