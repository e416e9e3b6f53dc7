"""What the HTTP side asks for, however it is done: in this process, or by replicas of Ray Serve."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Num

from serve.contract import JobAnswer, ModelsAnswer, Prompts, TrackOptions
from serve.found import Labelled, Prompted
from serve.naming import ModelKey
from serve.networks import Polarity

Pixels = Num[np.ndarray, "y x"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Chosen:
    """The model that a name stands for now."""

    key: ModelKey
    champion: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Download:
    """A file of a job on its way out."""

    name: str
    media_type: str
    size_bytes: int
    chunks: AsyncIterator[bytes]


class Backend(ABC):
    """Does what requests ask for. Every method raises ``Problem`` for what a client is to be told."""

    @abstractmethod
    async def choose(self, name: str | None) -> Chosen:
        """Return whom ``model`` names: 404 if there is no such model."""

    @abstractmethod
    async def segment(self, pixels: Pixels, key: ModelKey, *, polarity: Polarity, seconds: float) -> Labelled:
        """Return what is in an image: 503 if too many wait, 504 after ``seconds``."""

    @abstractmethod
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
        """Return what prompts ask for in the image of that ``digest``.

        ``pixels`` is called only where the image is not remembered.
        """

    @abstractmethod
    async def models(self) -> ModelsAnswer:
        """Return the models that can be asked for."""

    @abstractmethod
    async def refresh(self) -> ModelsAnswer:
        """Ask the registry now who is champion; return when the new one answers."""

    @abstractmethod
    async def waits_for(self) -> str | None:
        """Return what is still missing before requests can be answered; ``None`` if nothing is."""

    @abstractmethod
    async def metrics(self) -> bytes:
        """Return all metrics in Prometheus' text form."""

    @abstractmethod
    async def begin_movie(self) -> str:
        """Return the id of a new job that waits for its movie's bytes: 503 if too many wait."""

    @abstractmethod
    async def movie_bytes(self, job: str, chunk: bytes) -> None:
        """Take some more bytes of a job's movie."""

    @abstractmethod
    async def start_movie(self, job: str, name: str, options: TrackOptions) -> JobAnswer:
        """Queue a job whose movie is whole: 4xx if it is no movie, or too long."""

    @abstractmethod
    async def job(self, job: str) -> JobAnswer:
        """Return how far a job is: 404 if there is none."""

    @abstractmethod
    async def delete_job(self, job: str) -> None:
        """End a job and delete all its files: 404 if there is none."""

    @abstractmethod
    async def download(self, job: str, name: str) -> Download:
        """Return a result of a job: 404 if there is none, 409 if it is not finished."""
