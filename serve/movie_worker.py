"""One movie in a process of its own: ``python -m serve.movie_worker JOB.json``.

A damaged movie can take this process down, and nothing else. It tells its server in lines of
JSON what it has found and how far it is, begins at a line on stdin, and ends when stdin does.
"""

import json
import logging
import os
import shutil
import signal
import sys
import threading
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from graticule.core.errors import GraticuleError
from graticule.core.progress import Progress

RESULTS = "results"
EXPERIMENT = "experiment.ome.zarr"
MEDIA_TYPES = {
    ".csv": "text/csv; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".mp4": "video/mp4",
    ".zip": "application/zip",
}
_REPORTED = {"index.html": "report.html", "overlay.mp4": "overlay.mp4"}
_QUIET_SECONDS = 0.2
_MOST_NOTES, _MOST_LETTERS = 20, 500

Tell = Callable[..., None]


def main(path: str) -> int:
    """Do the job that a file describes; return the exit status."""
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what libraries print is for the log
    logging.basicConfig(level=logging.WARNING)

    def tell(**said: Any) -> None:
        out.write(json.dumps(said) + "\n")

    job = json.loads(Path(path).read_text("utf-8"))
    folder = Path(path).parent
    try:
        tell(opened=opened(folder / job["movie"], job))
        if not sys.stdin.readline():
            return 0
        threading.Thread(target=_end_with_server, daemon=True).start()
        track(folder, job, tell)
        tell(done=True)
    except GraticuleError as error:
        tell(refused=_short(str(error).replace(str(folder / job["movie"]), "the movie")))
        return 1
    return 0


def opened(path: Path, job: dict[str, Any]) -> dict[str, Any]:
    """Return a movie's frames, height, width and notes, no pixel read.

    Raises:
        InputError: If it is none, or longer or larger than is allowed.
    """
    from graticule.core.errors import InputError
    from graticule.io import open_movie

    movie = open_movie(str(path))
    frames, height, width = movie.shape
    if frames > job["most_frames"] or frames * height * width > job["most_pixels"]:
        raise InputError(
            f"the movie has {frames} frames of {height} x {width} pixels, at most {job['most_frames']} frames"
            f" and {job['most_pixels']} pixels in all are taken; cut it, or use: graticule track"
        )
    return {"frames": frames, "height": height, "width": width, "notes": _few(movie.notes)}


def track(folder: Path, job: dict[str, Any], tell: Tell) -> None:
    """Bring a movie through the pipeline, and its results into :data:`RESULTS`.

    Raises:
        GraticuleError: One line that names what is wrong and the remedy.
    """
    from graticule.pipeline.settings import (
        IngestSettings,
        LinkSettings,
        SegmentSettings,
        TrackSettings,
        checked,
    )
    from graticule.pipeline.track import track_movie

    settings = TrackSettings(
        ingest=checked(IngestSettings, job["ingest"]),
        segment=checked(SegmentSettings, job["segment"]),
        link=checked(LinkSettings, job["link"]),
    )
    how: dict[str, Any] = {"listener": _Listener(tell)}
    movie, out = str(folder / job["movie"]), str(folder / EXPERIMENT)
    if job["on_ray"]:
        from graticule.pipeline.on_ray import RunOnRay
        from graticule.pipeline.session import ray_session

        with ray_session():
            track_movie(movie, out, settings, execute=RunOnRay(), **how)
    else:
        from graticule.pipeline.in_process import run_in_process
        from graticule.pipeline.process import one_thread

        one_thread()
        track_movie(movie, out, settings, execute=run_in_process, **how)
    gather(folder)


def gather(folder: Path) -> None:
    """Put what a client can have of an experiment into :data:`RESULTS`."""
    from graticule.pipeline.single import export_experiment

    experiment, results = folder / EXPERIMENT, folder / RESULTS
    export_experiment(str(experiment), "csv", str(results))
    for name, target in _REPORTED.items():
        if (experiment / "report" / name).is_file():
            shutil.copyfile(experiment / "report" / name, results / target)
    with zipfile.ZipFile(results / f"{EXPERIMENT}.zip", "w", zipfile.ZIP_STORED) as archive:
        for file in sorted(path for path in experiment.rglob("*") if path.is_file()):
            archive.write(file, file.relative_to(experiment))
    shutil.rmtree(experiment)


def _few(notes: Sequence[str]) -> list[str]:
    """Return notes as far as somebody would read them: a file decides how many there are, and how long."""
    more = len(notes) - _MOST_NOTES
    return [*map(_short, notes[:_MOST_NOTES]), *([f"{more} more notes are left out"] if more > 0 else [])]


def _short(text: str) -> str:
    return text if len(text) <= _MOST_LETTERS else f"{text[: _MOST_LETTERS - 1]}…"


class _Listener:
    """Tells of progress, not more often than somebody could look."""

    def __init__(self, tell: Tell) -> None:
        import time

        self._tell, self._clock, self._last = tell, time.monotonic, 0.0

    def __call__(self, event: Progress) -> None:
        now = self._clock()
        if event.done < event.total and now - self._last < _QUIET_SECONDS:
            return
        self._last = now
        self._tell(
            progress={"stage": event.stage, "done": event.done, "total": event.total, "unit": event.unit}
        )


def _end_with_server() -> None:
    while sys.stdin.readline():
        pass
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
