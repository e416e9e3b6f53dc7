"""Movies on their way through the pipeline: a folder each, and nothing of it left when its time is over."""

import asyncio
import json
import logging
import math
import secrets
from asyncio.subprocess import Process
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from serve.backend import Download
from serve.contract import JobAnswer, JobProgress, TrackOptions
from serve.movie_folders import LATE_SECONDS, MovieFolders, bytes_in
from serve.movie_job import Job
from serve.movie_process import heard, killed, left_behind, started, tail
from serve.naming import ModelKey
from serve.problems import Problem, busy
from serve.settings import ServeSettings

log = logging.getLogger(__name__)

_SWEEP_SECONDS = 1.0
_OPEN_SECONDS = 60.0
_SLACK_SECONDS = 30.0
_MOST_RETRY_SECONDS = 3600


class Movies:
    """The jobs of one server.

    Args:
        settings: How many, how large, how long.
        on_ray: Whether workers of the Ray cluster do the work, whose address is in ``RAY_ADDRESS``.
    """

    def __init__(self, settings: ServeSettings, *, on_ray: bool = False) -> None:
        self._settings, self._on_ray = settings, on_ray
        self._jobs: dict[str, Job] = {}
        self._folders = MovieFolders(settings.jobs_folder, late_seconds=LATE_SECONDS if on_ray else 0.0)
        self._turn = asyncio.Semaphore(settings.movies_at_once)
        self._tasks: set[asyncio.Task[None]] = set()
        self._sweeping: asyncio.Task[None] | None = None

    async def begin(self) -> str:
        """Return the id of a new job.

        Raises:
            Problem: 503 if too many wait, or movies and results take too much of the disk.
        """
        waiting = sum(not job.is_finished for job in self._jobs.values())
        if waiting >= self._settings.movies_waiting:
            raise busy(f"{waiting} movies wait", seconds=30)
        self._require_room()
        job = secrets.token_urlsafe(16)
        try:
            folder = self._folders.new(job)
        except OSError as error:
            raise _not_kept(error) from None
        ends = _after(self._settings.upload_seconds + _OPEN_SECONDS)
        self._jobs[job] = Job(id=job, folder=folder, created=_after(0), expires=ends)
        if self._sweeping is None or self._sweeping.done():
            self._sweeping = asyncio.create_task(self._sweep())
        return job

    async def take(self, job: str, chunk: bytes) -> None:
        """Add bytes to a movie.

        Raises:
            Problem: 404 if there is no such job, 413 if they are too many, 503 if there is no room.
        """
        found = self._found(job)
        if found.size_bytes + len(chunk) > self._share:
            raise Problem("too-large", f"the movie has more than {self._share} bytes; cut it")
        found.size_bytes += len(chunk)

        def append() -> None:
            with (found.folder / found.movie).open("ab") as file:
                file.write(chunk)

        try:
            await asyncio.to_thread(append)
        except OSError as error:
            raise _not_kept(error) from None

    async def start(self, job: str, name: str, key: ModelKey, options: TrackOptions) -> JobAnswer:
        """Open a movie that is whole, and queue it.

        Raises:
            Problem: 422 if it is no movie, or too long; 503 if there is no room for its process.
        """
        found = self._found(job)
        found.expires = _after(_OPEN_SECONDS + _SLACK_SECONDS)
        described = found.folder / "job.json"
        try:
            (found.folder / found.movie).rename(found.folder / name)
            found.movie = name
            described.write_text(json.dumps(self._described(name, key, options)), "utf-8")
            found.process = await started(described, weights=key.weights)
        except OSError as error:
            raise _not_kept(error) from None
        try:
            found.about = await _opened(found.process)
            self._found(job)  # it may have been deleted meanwhile
        except BaseException:
            await killed(found.process)
            raise
        found.status, found.expires = "queued", _after(self._queue_seconds)
        task = asyncio.create_task(self._run(found, found.process))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return found.answer()

    async def answer(self, job: str) -> JobAnswer:
        """Return how far a job is.

        Raises:
            Problem: 404 if there is none, or its time is over.
        """
        return self._found(job).answer()

    async def download(self, job: str, name: str) -> Download:
        """Return a result.

        Raises:
            Problem: 404 if there is none, 409 if the job is not finished.
        """
        found = self._found(job)
        if not found.is_finished:
            raise Problem("not-finished", f"job {job} is {found.status}; ask again when it is done")
        return found.download(name)

    async def delete(self, job: str) -> None:
        """End a job, and delete its files.

        Raises:
            Problem: 404 if there is none.
        """
        found = self._found(job)
        del self._jobs[job]
        if found.process is not None:
            await killed(found.process)
        await self._folders.delete(found.folder)

    async def close(self) -> None:
        """End all jobs, and delete all files."""
        if self._sweeping is not None:
            self._sweeping.cancel()
        for job in list(self._jobs):
            await self.delete(job)
        await self._folders.close()

    def _found(self, job: str) -> Job:
        if job not in self._jobs:
            raise Problem(
                "unknown", f"there is no job {job[:60]!r}, or its time is over; send the movie again"
            )
        return self._jobs[job]

    @property
    def _share(self) -> int:
        """What is kept free for a movie that is not finished, in bytes."""
        return min(self._settings.movie_bytes, self._settings.jobs_bytes)

    @property
    def _queue_seconds(self) -> float:
        """From the queue to the end of the results, if all before it take as long as they may."""
        rounds = math.ceil(self._settings.movies_waiting / self._settings.movies_at_once)
        return rounds * (self._settings.movie_seconds + _SLACK_SECONDS) + self._settings.results_seconds

    def _require_room(self) -> None:
        most = self._settings.jobs_bytes
        jobs = self._jobs.values()
        held = sum(job.size_bytes if job.is_finished else max(job.size_bytes, self._share) for job in jobs)
        if held + self._share <= most:
            return
        ends = min((job.expires for job in jobs if job.is_finished), default=_after(_SLACK_SECONDS))
        seconds = math.ceil((ends - _after(0)).total_seconds())
        raise busy(
            f"movies and results take {held} of {most} bytes, and another may need {self._share}",
            seconds=max(1, min(seconds, _MOST_RETRY_SECONDS)),
        )

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

    async def _run(self, job: Job, process: Process) -> None:
        async with self._turn:
            if job.id not in self._jobs:
                return
            job.status = "running"
            job.expires = _after(
                self._settings.movie_seconds + _SLACK_SECONDS + self._settings.results_seconds
            )
            problem: str | None = "its work was broken off; send the movie again"
            try:
                problem = await self._worked(job, process)
            except Exception:  # whatever it is, the job ends as failed and the next one begins
                log.exception("job %s: it cannot be followed", job.id)
                problem = "the server failed at it; send the movie again"
            finally:
                job.problem = job.problem or problem
                await self._finish(job, process)

    async def _worked(self, job: Job, process: Process) -> str | None:
        """Have a movie worked on; return why it failed, if it did."""
        assert process.stdin is not None
        try:
            async with asyncio.timeout(self._settings.movie_seconds):
                process.stdin.write(b"go\n")
                return await _followed(job, process)
        except TimeoutError:
            return f"it took more than {self._settings.movie_seconds:g} s; cut the movie"
        except OSError as error:
            return f"its worker could not be told to begin ({error.strerror}); send the movie again"

    async def _finish(self, job: Job, process: Process) -> None:
        try:
            left_behind(process)
            await killed(process)
            if job.id not in self._jobs:
                return
            if not job.problem:
                await asyncio.to_thread(job.keep_only_results)
                job.size_bytes = await asyncio.to_thread(bytes_in, job.folder)
                job.problem = self._overflow()
        except OSError as error:
            log.exception("job %s: its results cannot be kept", job.id)
            job.problem = f"its results cannot be kept ({error.strerror}); send the movie again"
        finally:
            job.status = "failed" if job.problem else "done"
            job.expires = _after(self._settings.results_seconds)
        if job.problem:
            await self._folders.delete(job.folder)
            job.size_bytes = 0

    def _overflow(self) -> str | None:
        taken = sum(job.size_bytes for job in self._jobs.values())
        if taken <= self._settings.jobs_bytes:
            return None
        return (
            f"with its results movies take {taken} bytes, at most {self._settings.jobs_bytes} are kept; cut"
            " it, or delete other results"
        )

    async def _sweep(self) -> None:
        while self._jobs:
            await asyncio.sleep(_SWEEP_SECONDS)
            for job in [job for job in self._jobs.values() if job.expires <= _after(0)]:
                with suppress(Problem):
                    await self.delete(job.id)
            await self._measure()

    async def _measure(self) -> None:
        """End the largest job that runs, where movies and results take too much."""
        running = [job for job in self._jobs.values() if job.status == "running"]
        for job in running:
            size = await asyncio.to_thread(bytes_in, job.folder)
            if job.status == "running":
                job.size_bytes = size
        largest = max(running, key=lambda job: job.size_bytes, default=None)
        problem = self._overflow()
        if problem and largest is not None and largest.status == "running" and largest.process is not None:
            largest.problem = problem
            await killed(largest.process)


async def _opened(process: Process) -> dict[str, Any]:
    try:
        async with asyncio.timeout(_OPEN_SECONDS):
            told = await heard(process)
    except TimeoutError:
        raise Problem("cannot-be", f"the movie could not be opened in {_OPEN_SECONDS:g} s; cut it") from None
    if "opened" not in told:
        said = told.get("refused") or "the reader failed at it; export it in another form"
        raise Problem("cannot-be", str(said))
    about: dict[str, Any] = told["opened"]
    return about


async def _followed(job: Job, process: Process) -> str | None:
    """Follow a worker to its end; return why it failed, if it did."""
    while told := await heard(process):
        if "progress" in told:
            job.progress = JobProgress(**told["progress"])
        elif "refused" in told:
            return str(told["refused"])
        elif "done" in told:
            return None
    await killed(process)
    status = process.returncode
    log.error("job %s: worker ended with status %s: %s", job.id, status, tail(job.folder / "log"))
    return f"its worker ended with status {status}; a smaller movie, or another model, may pass"


def _not_kept(error: OSError) -> Problem:
    log.error("a movie cannot be kept: %s", error)
    return busy(f"the movie cannot be kept ({error.strerror})", seconds=60)


def _after(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)
