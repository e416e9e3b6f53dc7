"""Movies on their way through the pipeline: a folder each, and nothing of it left when its time is over."""

import asyncio
import json
import logging
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from serve import janitor
from serve.backend import Download
from serve.contract import JobAnswer, JobProgress, JobResult, TrackOptions
from serve.movie_worker import MEDIA_TYPES, RESULTS
from serve.naming import ModelKey
from serve.problems import Problem, busy
from serve.settings import ServeSettings

log = logging.getLogger(__name__)

Status = Literal["arriving", "queued", "running", "done", "failed"]
CHUNK_BYTES = 2**20
_SWEEP_SECONDS = 1.0
_OPEN_SECONDS = 60.0


@dataclass(kw_only=True, slots=True, eq=False)
class Job:
    """A movie, from its first byte to the last that is kept of it."""

    id: str
    folder: Path
    created: datetime
    expires: datetime
    status: Status = "arriving"
    movie: str = "arriving"
    about: dict[str, Any] = field(default_factory=dict)
    progress: JobProgress | None = None
    problem: str | None = None
    process: asyncio.subprocess.Process | None = None


class Movies:
    """The jobs of one server.

    Args:
        settings: How many, how large, how long.
        on_ray: Whether workers of the Ray cluster do the work, whose address is in ``RAY_ADDRESS``.
    """

    def __init__(self, settings: ServeSettings, *, on_ray: bool = False) -> None:
        self._settings, self._on_ray = settings, on_ray
        self._jobs: dict[str, Job] = {}
        self._root: Path | None = None
        self._janitor: subprocess.Popen[bytes] | None = None
        self._turn = asyncio.Semaphore(settings.movies_at_once)
        self._tasks: set[asyncio.Task[None]] = set()
        self._sweeping: asyncio.Task[None] | None = None

    async def begin(self) -> str:
        """Return the id of a new job.

        Raises:
            Problem: 503 if too many wait.
        """
        waiting = sum(job.status in ("arriving", "queued", "running") for job in self._jobs.values())
        if waiting >= self._settings.movies_waiting:
            raise busy(f"{waiting} movies wait", seconds=30)
        root = self._ready_root()
        now, job = _now(), secrets.token_urlsafe(16)
        folder = root / job
        folder.mkdir()
        ends = now + timedelta(seconds=self._settings.upload_seconds + _OPEN_SECONDS)
        self._jobs[job] = Job(id=job, folder=folder, created=now, expires=ends)
        if self._sweeping is None or self._sweeping.done():
            self._sweeping = asyncio.create_task(self._sweep())
        return job

    async def take(self, job: str, chunk: bytes) -> None:
        """Add bytes to a movie."""
        found = self._found(job)

        def append() -> None:
            with (found.folder / found.movie).open("ab") as file:
                file.write(chunk)

        try:
            await asyncio.to_thread(append)
        except OSError as error:
            raise busy(f"the movie cannot be kept ({error.strerror})", seconds=60) from None

    async def start(self, job: str, name: str, key: ModelKey, options: TrackOptions) -> JobAnswer:
        """Open a movie that is whole, and queue it.

        Raises:
            Problem: 422 if it is no movie, or too long.
        """
        found = self._found(job)
        (found.folder / found.movie).rename(found.folder / name)
        found.movie = name
        described = found.folder / "job.json"
        described.write_text(json.dumps(self._described(name, key, options)), "utf-8")
        process = await self._started(described)
        found.process = process
        try:
            async with asyncio.timeout(_OPEN_SECONDS):
                told = await _line(process)
        except TimeoutError:
            raise Problem(
                "cannot-be", f"the movie could not be opened in {_OPEN_SECONDS:g} s; cut it"
            ) from None
        if "opened" not in told:
            said = told.get("refused") or "the reader failed at it; export it in another form"
            raise Problem("cannot-be", str(said))
        found.about, found.status = told["opened"], "queued"
        found.expires = _now() + timedelta(days=1)
        task = asyncio.create_task(self._run(found))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return await self.answer(job)

    async def answer(self, job: str) -> JobAnswer:
        """Return how far a job is.

        Raises:
            Problem: 404 if there is none, or its time is over.
        """
        found = self._found(job)
        about = found.about
        return JobAnswer(
            id=found.id,
            status="queued" if found.status == "arriving" else found.status,
            url=f"/v1/jobs/{found.id}",
            created=found.created.isoformat(timespec="seconds"),
            expires=found.expires.isoformat(timespec="seconds"),
            frames=about.get("frames"),
            height=about.get("height"),
            width=about.get("width"),
            progress=found.progress,
            problem=found.problem,
            notes=about.get("notes", []),
            results=_results(found),
        )

    async def download(self, job: str, name: str) -> Download:
        """Return a result.

        Raises:
            Problem: 404 if there is none, 409 if the job is not finished.
        """
        found = self._found(job)
        if found.status not in ("done", "failed"):
            raise Problem("not-finished", f"job {job} is {found.status}; ask again when it is done")
        result = next((result for result in _results(found) if result.name == name), None)
        if result is None:
            known = ", ".join(result.name for result in _results(found)) or "none"
            raise Problem("unknown", f"job {job} has no result {name[:60]!r}; there are: {known}")
        path = found.folder / RESULTS / name
        return Download(
            name=name, media_type=result.media_type, size_bytes=result.size_bytes, chunks=_chunks(path)
        )

    async def delete(self, job: str) -> None:
        """End a job, and delete its files.

        Raises:
            Problem: 404 if there is none.
        """
        found = self._found(job)
        del self._jobs[job]
        await _end(found)

    async def close(self) -> None:
        """End all jobs, and delete all files."""
        if self._sweeping is not None:
            self._sweeping.cancel()
        for job in list(self._jobs):
            await self.delete(job)
        if self._janitor is not None:
            assert self._janitor.stdin is not None
            self._janitor.stdin.close()
            await asyncio.to_thread(self._janitor.wait)
            self._janitor = self._root = None

    def _found(self, job: str) -> Job:
        if job not in self._jobs:
            raise Problem(
                "unknown", f"there is no job {job[:60]!r}, or its time is over; send the movie again"
            )
        return self._jobs[job]

    def _ready_root(self) -> Path:
        """Return the folder of all jobs, with somebody to delete it should this process be killed."""
        if self._root is None:
            if self._settings.jobs_folder is not None:
                Path(self._settings.jobs_folder).mkdir(parents=True, exist_ok=True)
            self._root = Path(tempfile.mkdtemp(prefix="graticule-serve-", dir=self._settings.jobs_folder))
            command = [sys.executable, "-I", janitor.__file__, str(self._root)]
            self._janitor = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        return self._root

    def _described(self, name: str, key: ModelKey, options: TrackOptions) -> dict[str, Any]:
        weights = {} if key.network == "threshold" else {"weights": key.weights}
        return {
            "movie": name,
            "on_ray": self._on_ray,
            "most_frames": self._settings.movie_frames,
            "most_pixels": self._settings.movie_pixels,
            "ingest": {
                "pixel_size_nm": options.pixel_size_nm,
                "frame_interval_s": options.frame_interval_s,
            },
            "segment": {"segmenter": key.network, "polarity": options.polarity, "options": weights},
            "link": {"tracker": options.tracker},
        }

    async def _started(self, described: Path) -> asyncio.subprocess.Process:
        root = str(Path(__file__).parents[1])
        path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
        with (described.parent / "log").open("wb") as output:
            return await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "serve.movie_worker", str(described)),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                cwd=described.parent,
                env={**os.environ, "PYTHONPATH": path},
                start_new_session=True,
            )

    async def _run(self, job: Job) -> None:
        assert job.process is not None
        assert job.process.stdin is not None
        async with self._turn:
            if job.id not in self._jobs:
                return
            job.status = "running"
            try:
                async with asyncio.timeout(self._settings.movie_seconds):
                    job.process.stdin.write(b"go\n")
                    job.problem = await self._followed(job)
            except TimeoutError:
                job.problem = f"it took more than {self._settings.movie_seconds:g} s; cut the movie"
            except OSError as error:
                job.problem = (
                    f"its worker could not be told to begin ({error.strerror}); send the movie again"
                )
            await _killed(job)
            await asyncio.to_thread(_only_results, job)
            job.status = "failed" if job.problem else "done"
            job.expires = _now() + timedelta(seconds=self._settings.results_seconds)

    async def _followed(self, job: Job) -> str | None:
        """Follow a worker to its end; return why it failed, if it did."""
        assert job.process is not None
        while told := await _line(job.process):
            if "progress" in told:
                job.progress = JobProgress(**told["progress"])
            elif "refused" in told:
                return str(told["refused"])
            elif "done" in told:
                return None
        status = await job.process.wait()
        log.error("job %s: worker ended with status %s: %s", job.id, status, _tail(job.folder / "log"))
        return f"its worker ended with status {status}; a smaller movie, or another model, may pass"

    async def _sweep(self) -> None:
        while self._jobs:
            await asyncio.sleep(_SWEEP_SECONDS)
            for job in [job for job in self._jobs.values() if job.expires <= _now()]:
                with suppress(Problem):
                    await self.delete(job.id)


def _results(job: Job) -> list[JobResult]:
    if job.status != "done" or not (job.folder / RESULTS).is_dir():
        return []
    return [
        JobResult(
            name=path.name,
            url=f"/v1/jobs/{job.id}/{path.name}",
            media_type=MEDIA_TYPES.get(path.suffix, "application/octet-stream"),
            size_bytes=path.stat().st_size,
        )
        for path in sorted((job.folder / RESULTS).iterdir())
    ]


def _only_results(job: Job) -> None:
    for path in job.folder.iterdir():
        if path.name == RESULTS and not job.problem:
            continue
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)


async def _chunks(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while chunk := await asyncio.to_thread(file.read, CHUNK_BYTES):
            yield chunk


async def _line(process: asyncio.subprocess.Process) -> dict[str, Any]:
    """Return what a worker tells next; nothing once it has ended."""
    assert process.stdout is not None
    line = await process.stdout.readline()
    told: dict[str, Any] = json.loads(line) if line.endswith(b"\n") else {}
    return told


async def _end(job: Job) -> None:
    await _killed(job)
    await asyncio.to_thread(shutil.rmtree, job.folder, ignore_errors=True)


async def _killed(job: Job) -> None:
    if job.process is not None:
        with suppress(ProcessLookupError):
            os.killpg(job.process.pid, 9)
        await job.process.wait()


def _tail(path: Path) -> str:
    with suppress(OSError):
        return path.read_text("utf-8", "replace").strip()[-2000:]
    return ""


def _now() -> datetime:
    return datetime.now(UTC)
