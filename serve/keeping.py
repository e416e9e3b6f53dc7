"""What there is only one of: the champion, the jobs, and the metrics of all replicas.

Plain asyncio; problems are returned, not raised (see :mod:`serve.workers`).
"""

import time
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass
from typing import TypeVar

from prometheus_client import Metric

from graticule.experiments.models import Registered
from serve.championship import Championship, Ready, Standing, default_standing
from serve.contract import JobAnswer, TrackOptions
from serve.measures import as_text, merged
from serve.movies import Movies
from serve.naming import ModelKey
from serve.problems import Problem, busy
from serve.settings import ServeSettings

T = TypeVar("T")
_STALE_SECONDS = 30.0


@dataclass(frozen=True, kw_only=True, slots=True)
class File:
    """A result as far as it travels by itself: its bytes come after it."""

    media_type: str
    size_bytes: int


class Keeper:
    """Keeps them.

    Args:
        settings: Limits and times.
        ready: Has a model loaded where it will answer.
        on_ray: Whether movies are worked on by the Ray cluster.
    """

    def __init__(self, settings: ServeSettings, *, ready: Ready, on_ray: bool) -> None:
        self._championship = Championship(
            default_standing(settings.default_model), ready, seconds=settings.champion_seconds
        )
        self._movies = Movies(settings, on_ray=on_ray)
        self._measured: dict[str, tuple[float, list[Metric]]] = {}

    async def keep(self) -> None:
        """Have the champion loaded, and look for new ones; ends when it is cancelled."""
        await self._championship.keep()

    async def standing(self, known: Standing | None = None) -> tuple[Standing, list[Registered]] | Problem:
        """Return who is champion, and all registered versions.

        Args:
            known: Who was champion by what is remembered elsewhere: this keeper may be a new one.
        """
        if known is not None:
            self._championship.remind(known)
        missing = await self.waits_for()
        if missing is not None:
            return busy(missing)
        return self._championship.standing, self._championship.versions

    async def refresh(self) -> tuple[Standing, list[Registered]] | Problem:
        """Look at the registry now."""
        await self._championship.refresh()
        return await self.standing()

    async def waits_for(self) -> str | None:
        """Return what is missing before requests can be answered."""
        kept = self._championship
        if kept.answers:
            return None
        return kept.standing.problem or f"model {kept.standing.key.name} is being loaded"

    async def measured(self, replica: str, families: list[Metric]) -> None:
        """Take a replica's metrics."""
        self._measured[replica] = time.monotonic(), families

    async def metrics(self, replica: str, families: list[Metric]) -> bytes:
        """Return the metrics of all replicas, those of the one that asks fresh."""
        await self.measured(replica, families)
        oldest = time.monotonic() - _STALE_SECONDS
        self._measured = {name: own for name, own in self._measured.items() if own[0] > oldest}
        return as_text(merged({name: own[1] for name, own in self._measured.items()}))

    async def begin_movie(self) -> str | Problem:
        """See :class:`serve.movies.Movies`, as all below."""
        return await _told(self._movies.begin())

    async def movie_bytes(self, job: str, chunk: bytes) -> Problem | None:
        """Take bytes of a movie."""
        return await _told(self._movies.take(job, chunk))

    async def start_movie(
        self, job: str, name: str, key: ModelKey, options: TrackOptions
    ) -> JobAnswer | Problem:
        """Queue a movie."""
        return await _told(self._movies.start(job, name, key, options))

    async def job(self, job: str) -> JobAnswer | Problem:
        """Return how far a job is."""
        return await _told(self._movies.answer(job))

    async def delete_job(self, job: str) -> Problem | None:
        """End a job."""
        return await _told(self._movies.delete(job))

    async def file(self, job: str, name: str) -> File | Problem:
        """Return what a result is."""
        found = await _told(self._movies.download(job, name))
        if isinstance(found, Problem):
            return found
        return File(media_type=found.media_type, size_bytes=found.size_bytes)

    async def chunks(self, job: str, name: str) -> AsyncIterator[bytes]:
        """Yield a result's bytes."""
        async for chunk in (await self._movies.download(job, name)).chunks:
            yield chunk

    async def close(self) -> None:
        """End all jobs, and delete all files."""
        await self._movies.close()


async def _told(asked: Awaitable[T]) -> T | Problem:
    try:
        return await asked
    except Problem as problem:
        return problem
