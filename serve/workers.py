"""What a replica does: batches of images through networks, and prompts on images that it remembers.

Plain asyncio: networks compute in one thread of their own, images are prepared in others. Problems
are returned, not raised, since a replica's shell logs what is raised as a failure of its own.
"""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from threadpoolctl import threadpool_limits

from graticule.core.errors import GraticuleError
from graticule.synthetic import simulate
from serve.backend import Pixels
from serve.contract import Prompts
from serve.deadline import Deadline
from serve.found import Labelled, Prompted
from serve.gathering import Gathering
from serve.measures import Measures
from serve.naming import PROMPTABLE, ModelKey, key_of
from serve.networks import Model, Polarity, Prepared
from serve.problems import Problem, problem_of
from serve.settings import ServeSettings

log = logging.getLogger(__name__)
T = TypeVar("T")
_PREPARING = 2
_TRIAL_PX = 96


@dataclass(frozen=True, slots=True)
class NotRemembered:
    """The answer to prompts on an image that this replica has not seen, or has forgotten."""


class _Forgotten(Exception):
    pass


class Thread:
    """One thread in which networks are loaded and compute."""

    def __init__(self, threads: int) -> None:
        self._pool = ThreadPoolExecutor(
            1, thread_name_prefix="network", initializer=_limited, initargs=(threads,)
        )

    async def do(self, work: Callable[[], T]) -> T:
        """Return what ``work`` returns."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)


class Segmenting:
    """Segments images. A shell wraps ``model``, to keep models.

    Images alike, of those that came while the network was at work, go through it together.
    """

    def __init__(self, settings: ServeSettings) -> None:
        self.settings, self.measures = settings, Measures()
        self._network, self._loading = Thread(settings.threads), Thread(1)
        self._gathered = Gathering(
            self._batched, alike=lambda one: (id(one[0]), one[1].kind), most=settings.batch
        )
        self._preparing = ThreadPoolExecutor(
            _PREPARING, thread_name_prefix="prepare", initializer=_limited, initargs=(1,)
        )

    async def model(self, key: str) -> Model:
        """Load a model.

        Raises:
            GraticuleError: If it cannot be had.
        """
        loaded = await self._loading.do(lambda: Model(key_of(key)))
        self.measures.loaded(loaded.key.network)
        return loaded

    async def load(self, key: ModelKey) -> Problem | None:
        """Have a model loaded and tried, so that no request is its first; return why it cannot answer."""
        [trial] = simulate("easy", frames=1, size=_TRIAL_PX, seed=0)
        answer = await self._segment(trial.image, key, "auto", Deadline())
        return answer if isinstance(answer, Problem) else None

    async def segment(
        self, pixels: Pixels, key: ModelKey, polarity: Polarity, seconds: float
    ) -> Labelled | Problem:
        """Return what is in an image, if it can be told within ``seconds``."""
        return await self._segment(pixels, key, polarity, Deadline(seconds))

    async def _segment(
        self, pixels: Pixels, key: ModelKey, polarity: Polarity, deadline: Deadline
    ) -> Labelled | Problem:
        try:
            model = await self.model(str(key))
            image = await asyncio.get_running_loop().run_in_executor(
                self._preparing, lambda: model.prepare(pixels, polarity=polarity, deadline=deadline)
            )
            return await self._gathered((model, image))
        except GraticuleError as error:
            return problem_of(error)
        except asyncio.CancelledError:
            deadline.give_up()
            raise

    async def _batched(self, work: list[tuple[Model, Prepared]]) -> list[Labelled | Problem]:
        """Return what is in some images for one model, in order."""
        model, images = work[0][0], [image for _, image in work]
        began = time.perf_counter()
        found = await self._network.do(lambda: model.segment(images))
        self.measures.batch(model.key.network, len(images), time.perf_counter() - began)
        return found


class Prompting:
    """Answers prompts, on images that are embedded once and remembered for as long as there is room."""

    def __init__(self, settings: ServeSettings) -> None:
        self.settings, self.measures = settings, Measures()
        self._network = Thread(settings.threads)
        self._models: OrderedDict[str, Model] = OrderedDict()
        self._images: OrderedDict[str, Any] = OrderedDict()

    async def warm(self) -> None:
        """Load the network that answers prompts before somebody waits for it."""
        try:
            await self._network.do(lambda: self._model(ModelKey(network=PROMPTABLE)))
        except GraticuleError as error:
            log.warning("prompts cannot be answered: %s", error)

    async def prompted(
        self,
        digest: str,
        key: ModelKey,
        prompts: Prompts,
        polarity: Polarity,
        pixels: Pixels | None,
        seconds: float,
    ) -> Prompted | NotRemembered | Problem:
        """Return what prompts ask for.

        Args:
            digest: Of the image's file.
            key: The network.
            prompts: In image pixels.
            polarity: How particles look.
            pixels: Of the image, if it may not be remembered.
            seconds: For all of it.
        """
        deadline, name = Deadline(seconds), f"{key} {polarity} {digest}"
        if name not in self._images and pixels is None:
            return NotRemembered()

        def embedded(model: Model) -> Any:
            if pixels is None:  # the image was forgotten while this waited
                raise _Forgotten
            return model.embedding(pixels, polarity=polarity)

        try:
            return await self._network.do(lambda: self._asked(name, key, prompts, embedded, deadline))
        except _Forgotten:
            return NotRemembered()
        except Problem as problem:
            return problem
        except GraticuleError as error:
            return problem_of(error)
        except asyncio.CancelledError:
            deadline.give_up()
            raise

    def _asked(
        self,
        name: str,
        key: ModelKey,
        prompts: Prompts,
        embedded: Callable[[Model], Any],
        deadline: Deadline,
    ) -> Prompted:
        deadline.check()
        model = self._model(key)
        remembered = name in self._images
        image = _kept(self._images, name, lambda: embedded(model), self.settings.embeddings_kept)
        self.measures.embedding(remembered=remembered)
        return model.prompted(image, prompts, deadline)

    def _model(self, key: ModelKey) -> Model:
        return _kept(self._models, str(key), lambda: Model(key), self.settings.models_kept)


async def reminded(
    ask: Callable[[Pixels | None, float], Awaitable[Prompted | NotRemembered]],
    pixels: Callable[[], Awaitable[Pixels]],
    seconds: float,
) -> Prompted:
    """Ask without an image, and once more with it if it is not remembered.

    Args:
        ask: A :class:`Prompting`, with the pixels if need be, and with the seconds that are left.
        pixels: Of the image.
        seconds: For all of it.
    """
    deadline = Deadline(seconds)
    found = await ask(None, deadline.remaining)
    if isinstance(found, NotRemembered):
        found = await ask(await pixels(), deadline.remaining)
    assert isinstance(found, Prompted)
    return found


def _kept(shelf: "OrderedDict[str, T]", name: str, make: Callable[[], T], size: int) -> T:
    """Return the thing of that name, made if need be; the one used longest ago makes room."""
    if name not in shelf:
        made = make()
        while len(shelf) >= size:
            shelf.popitem(last=False)
        shelf[name] = made
    shelf.move_to_end(name)
    return shelf[name]


def _limited(threads: int) -> None:
    """Cap the numeric libraries at some threads: in torch the number belongs to the thread that sets it."""
    import torch

    torch.set_num_threads(threads)
    threadpool_limits(threads)
