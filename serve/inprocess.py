"""A backend in this process, without Ray: for tests, and to develop the page."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from prometheus_client import Metric

from graticule.experiments.models import Registered
from serve.backend import Backend, Chosen, Download, Pixels
from serve.championship import Standing
from serve.contract import JobAnswer, ModelsAnswer, Prompts, TrackOptions
from serve.found import Labelled, Prompted
from serve.keeping import Keeper
from serve.listing import chosen_key, listing
from serve.measures import Measures, as_text, merged
from serve.naming import ModelKey
from serve.networks import Model, Polarity
from serve.problems import Problem, busy
from serve.settings import ServeSettings
from serve.workers import NotRemembered, Prompting, Segmenting, reminded


class InProcess(Backend):
    """The same workers and keeper as on Ray Serve, one of each."""

    def __init__(self, settings: ServeSettings, measures: Measures) -> None:
        self._settings, self._measures = settings, measures
        self._segmenting, self._prompting = _OneOfEach(settings), Prompting(settings)
        self._keeper = Keeper(settings, ready=self._ready, on_ray=False)
        self._waiting, self._looked = 0, float("-inf")

    async def choose(self, name: str | None) -> Chosen:
        """See :class:`Backend`."""
        standing, versions = await self._standing()
        key = await asyncio.to_thread(chosen_key, name, standing, versions)
        return Chosen(key=key, champion=key == standing.key)

    async def segment(self, pixels: Pixels, key: ModelKey, *, polarity: Polarity, seconds: float) -> Labelled:
        """See :class:`Backend`."""
        with self._place():
            found: Labelled = _answered(await self._segmenting.segment(pixels, key, polarity, seconds))
            return found

    async def prompted(
        self,
        digest: str,
        key: ModelKey,
        prompts: Prompts,
        *,
        polarity: Polarity,
        pixels: Callable[[], Awaitable[Pixels]],
        seconds: float,
    ) -> Prompted:
        """See :class:`Backend`."""

        async def ask(image: Pixels | None, left: float) -> Prompted | NotRemembered:
            answer: Prompted | NotRemembered = _answered(
                await self._prompting.prompted(digest, key, prompts, polarity, image, left)
            )
            return answer

        with self._place():
            return await reminded(ask, pixels, seconds)

    async def models(self) -> ModelsAnswer:
        """See :class:`Backend`."""
        return await asyncio.to_thread(listing, *await self._standing())

    async def refresh(self) -> ModelsAnswer:
        """See :class:`Backend`."""
        await self._keeper.refresh()
        return await self.models()

    async def waits_for(self) -> str | None:
        """See :class:`Backend`."""
        return None

    async def metrics(self) -> bytes:
        """See :class:`Backend`."""
        own: dict[str, list[Metric]] = {
            "http": self._measures.families(),
            "segmenting": self._segmenting.measures.families(),
            "prompting": self._prompting.measures.families(),
        }
        return as_text(merged(own))

    async def begin_movie(self) -> str:
        """See :class:`Backend`."""
        job: str = _answered(await self._keeper.begin_movie())
        return job

    async def movie_bytes(self, job: str, chunk: bytes) -> None:
        """See :class:`Backend`."""
        _answered(await self._keeper.movie_bytes(job, chunk))

    async def start_movie(self, job: str, name: str, options: TrackOptions) -> JobAnswer:
        """See :class:`Backend`."""
        key = (await self.choose(options.model)).key
        answer: JobAnswer = _answered(await self._keeper.start_movie(job, name, key, options))
        return answer

    async def job(self, job: str) -> JobAnswer:
        """See :class:`Backend`."""
        answer: JobAnswer = _answered(await self._keeper.job(job))
        return answer

    async def delete_job(self, job: str) -> None:
        """See :class:`Backend`."""
        _answered(await self._keeper.delete_job(job))

    async def download(self, job: str, name: str) -> Download:
        """See :class:`Backend`."""
        file = _answered(await self._keeper.file(job, name))
        chunks: AsyncIterator[bytes] = self._keeper.chunks(job, name)
        return Download(name=name, media_type=file.media_type, size_bytes=file.size_bytes, chunks=chunks)

    async def close(self) -> None:
        """End all jobs, and delete all files."""
        await self._keeper.close()

    async def _standing(self) -> tuple[Standing, list[Registered]]:
        if time.monotonic() - self._looked > self._settings.champion_seconds:
            self._looked = time.monotonic()
            await self._keeper.refresh()
        standing, versions = _answered(await self._keeper.standing())
        return standing, versions

    async def _ready(self, key: ModelKey) -> None:
        _answered(await self._segmenting.load(key))

    @contextmanager
    def _place(self) -> Iterator[None]:
        """Wait with the others, if there is room."""
        if self._waiting >= self._settings.waiting:
            raise busy(f"{self._waiting} requests wait for a model")
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1


class _OneOfEach(Segmenting):
    """Keeps models itself, as Ray Serve's multiplexing does elsewhere."""

    def __init__(self, settings: ServeSettings) -> None:
        super().__init__(settings)
        self._kept: OrderedDict[str, Model] = OrderedDict()
        self._one = asyncio.Lock()

    async def model(self, key: str) -> Model:
        """Return a model, loaded if need be; the one used longest ago makes room."""
        async with self._one:
            if key not in self._kept:
                loaded = await super().model(key)
                while len(self._kept) >= self.settings.models_kept:
                    self._kept.popitem(last=False)
                self._kept[key] = loaded
            self._kept.move_to_end(key)
            return self._kept[key]


def _answered(answer: Any) -> Any:
    if isinstance(answer, Problem):
        raise answer
    return answer
