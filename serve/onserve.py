"""A backend of replicas: what is asked goes to a handle, and what a handle can raise is told as a problem."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from ray.exceptions import RayError, RayTaskError
from ray.serve.exceptions import (
    BackPressureError,
    DeploymentUnavailableError,
    RayServeException,
    ReplicaUnavailableError,
)
from ray.serve.handle import DeploymentHandle

from graticule.experiments.models import Registered
from serve.backend import Backend, Chosen, Download, Pixels
from serve.championship import Standing
from serve.contract import JobAnswer, ModelsAnswer, Prompts, TrackOptions
from serve.found import Labelled, Prompted
from serve.keeping import File
from serve.listing import chosen_key, listing, shipped
from serve.measures import Measures
from serve.naming import ModelKey
from serve.networks import Polarity
from serve.problems import Problem, busy, first_line
from serve.settings import ServeSettings
from serve.workers import NotRemembered, reminded

log = logging.getLogger(__name__)
_LOOK_SECONDS = 1.0
_KEEPER_SECONDS = 5.0
_LOAD_SECONDS = 600.0


class OnServe(Backend):
    """Asks deployments.

    Args:
        settings: Limits and times.
        segmenting: Handle of :class:`serve.workers.Segmenting`.
        prompting: Of :class:`serve.workers.Prompting`.
        keeper: Of :class:`serve.keeping.Keeper`.
        measures: Of this replica.
        name: This replica's, for its metrics.
    """

    def __init__(
        self,
        settings: ServeSettings,
        *,
        segmenting: DeploymentHandle,
        prompting: DeploymentHandle,
        keeper: DeploymentHandle,
        measures: Measures,
        name: str,
    ) -> None:
        self._settings, self._measures, self._name = settings, measures, name
        self._segmenting, self._prompting, self._keeper = segmenting, prompting, keeper
        self._standing: Standing | None = None
        self._versions: list[Registered] = []
        self._listed, self._refreshed = False, 0

    async def look(self) -> None:
        """Learn again and again from the keeper who is champion; ends when it is cancelled."""
        while True:
            try:
                if not self._listed:
                    await asyncio.to_thread(shipped)  # which takes seconds
                    self._listed = True
                await self._learn()
            except Problem as problem:
                log.warning("the champion is not known yet: %s", problem.detail)
            except Exception:  # the one before goes on answering, and this goes on looking
                log.exception("the keeper could not be asked")
            await asyncio.sleep(_LOOK_SECONDS)

    async def choose(self, name: str | None) -> Chosen:
        """See :class:`Backend`."""
        standing = self._standing or await self._learn()
        key = await asyncio.to_thread(chosen_key, name, standing, self._versions)
        return Chosen(key=key, champion=key == standing.key)

    async def segment(self, pixels: Pixels, key: ModelKey, *, polarity: Polarity, seconds: float) -> Labelled:
        """See :class:`Backend`."""
        handle = self._segmenting.options(multiplexed_model_id=str(key))
        found: Labelled = await _asked(lambda: handle.segment.remote(pixels, key, polarity, seconds))
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
        handle = self._prompting.options(session_id=digest)

        async def ask(image: Pixels | None, left: float) -> Prompted | NotRemembered:
            answer: Prompted | NotRemembered = await _asked(
                lambda: handle.prompted.remote(digest, key, prompts, polarity, image, left)
            )
            return answer

        return await reminded(ask, pixels, seconds)

    async def models(self) -> ModelsAnswer:
        """See :class:`Backend`."""
        standing = self._standing or await self._learn()
        return await asyncio.to_thread(listing, standing, self._versions)

    async def refresh(self) -> ModelsAnswer:
        """See :class:`Backend`."""
        standing, versions = await _asked(self._keeper.refresh.remote)
        self._refreshed += 1
        self._standing, self._versions = standing, versions
        if self._settings.ingress_replicas > 1:
            await asyncio.sleep(2 * _LOOK_SECONDS)  # by then the others have learnt it as well
        return await self.models()

    async def waits_for(self) -> str | None:
        """See :class:`Backend`."""
        if not self._listed:
            return "the models are being listed"
        try:
            async with asyncio.timeout(_KEEPER_SECONDS):
                missing: str | None = await _asked(self._keeper.waits_for.remote)
                return missing
        except (TimeoutError, Problem):
            return "the keeper does not answer"

    async def metrics(self) -> bytes:
        """See :class:`Backend`."""
        text: bytes = await _asked(lambda: self._keeper.metrics.remote(self._name, self._measures.families()))
        return text

    async def begin_movie(self) -> str:
        """See :class:`Backend`."""
        job: str = await _asked(self._keeper.begin_movie.remote)
        return job

    async def movie_bytes(self, job: str, chunk: bytes) -> None:
        """See :class:`Backend`."""
        await _asked(lambda: self._keeper.movie_bytes.remote(job, chunk))

    async def start_movie(self, job: str, name: str, options: TrackOptions) -> JobAnswer:
        """See :class:`Backend`."""
        chosen = await self.choose(options.model)
        answer: JobAnswer = await _asked(
            lambda: self._keeper.start_movie.remote(job, name, chosen.key, options)
        )
        return answer

    async def job(self, job: str) -> JobAnswer:
        """See :class:`Backend`."""
        answer: JobAnswer = await _asked(lambda: self._keeper.job.remote(job))
        return answer

    async def delete_job(self, job: str) -> None:
        """See :class:`Backend`."""
        await _asked(lambda: self._keeper.delete_job.remote(job))

    async def download(self, job: str, name: str) -> Download:
        """See :class:`Backend`."""
        file: File = await _asked(lambda: self._keeper.file.remote(job, name))

        async def chunks() -> AsyncIterator[bytes]:
            stream: Any = self._keeper.options(stream=True).chunks.remote(job, name)
            async for chunk in stream:
                yield chunk

        return Download(name=name, media_type=file.media_type, size_bytes=file.size_bytes, chunks=chunks())

    async def _learn(self) -> Standing:
        before = self._refreshed
        standing, versions = await _asked(lambda: self._keeper.standing.remote(self._standing))
        if before == self._refreshed or self._standing is None:  # or it was asked before the last refresh
            self._standing, self._versions = standing, versions
        assert self._standing is not None
        return self._standing


async def loaded_everywhere(segmenting: DeploymentHandle, key: ModelKey) -> None:
    """Have every replica load a model; those that come later load it when they are first asked.

    Raises:
        Problem: If one of them cannot, none is there, or it takes too long.
    """
    try:
        answers = await segmenting.broadcast("load", key).results_async(
            timeout_s=_LOAD_SECONDS, return_exceptions=True
        )
    except TimeoutError:
        raise Problem("too-long", f"it was not loaded within {_LOAD_SECONDS:g} s") from None
    except (RayError, RayServeException):
        raise busy("no worker is there yet") from None
    for answer in answers:
        if isinstance(answer, Problem):
            raise answer
    if all(isinstance(answer, Exception) for answer in answers):
        raise Problem("replica-lost", f"no worker could load it: {answers[0]}"[:300])


async def _asked(ask: Callable[[], Any]) -> Any:
    """Return what a replica answers.

    Ray itself sends a request elsewhere for as long as no replica has begun with it. One that was begun is
    not sent again: what ended one replica would end the next.

    Raises:
        Problem: What the replica returned as one; 503 if too many wait, 502 if the replica is gone.
    """
    try:
        answer = await ask()
    except BackPressureError as error:
        raise busy(f"{error.args[0] if error.args else 'too many'} requests wait for a model") from None
    except DeploymentUnavailableError:
        raise busy("no worker can be started; see the server's log", seconds=10) from None
    except RayTaskError:
        raise  # a fault of the replica's own, which lives on
    except (RayError, ReplicaUnavailableError) as error:
        log.warning("a replica is gone: %s", first_line(error))
        raise Problem("replica-lost", "the worker of this request is gone; ask again") from None
    if isinstance(answer, Problem):
        raise answer
    return answer
