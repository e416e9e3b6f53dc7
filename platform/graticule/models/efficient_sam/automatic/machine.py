"""A network on its device: views in, candidates out."""

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from graticule.core.errors import InputError
from graticule.models.efficient_sam.automatic.ask import ask
from graticule.models.efficient_sam.automatic.candidate import Candidate
from graticule.models.efficient_sam.automatic.plan import Task
from graticule.models.efficient_sam.automatic.select import Criteria
from graticule.models.efficient_sam.network import CHUNK
from graticule.models.learned.device import Batch, resolve_dtype, run_in_batches
from graticule.models.learned.zoom import zoomed

CHUNK_ON_CUDA = 32


class Machine:
    """Embeds views, some at once, and asks each of them for masks.

    Args:
        network: On its device, ready to answer.
        device: That device.
        batch: How many views to embed at once.
        dtype: Name of the precision, or ``auto``.
        chunk: Prompts at a time, or ``auto``.
        native_size: Edge in pixels of the network's input.
    """

    def __init__(
        self,
        network: nn.Module,
        device: torch.device,
        batch: Batch,
        *,
        dtype: str,
        chunk: int | Literal["auto"],
        native_size: int,
    ) -> None:
        self.network, self.device, self.native_size = network, device, native_size
        self.chunk = chunk if chunk != "auto" else CHUNK if device.type == "cpu" else CHUNK_ON_CUDA
        self._dtype, self._batch = resolve_dtype(dtype, device), batch

    def candidates(
        self, tasks: Iterable[tuple[int, Task]], criteria: Criteria
    ) -> Iterator[tuple[int, list[Candidate]]]:
        """Yield each task's candidates, with the number that came with it, in order.

        Args:
            tasks: Numbered; drawn as they are needed, views of several frames in one batch.
            criteria: What is asked of a mask.
        """
        waiting = deque[tuple[int, Task]]()

        def views() -> Iterator[Tensor]:
            for number, task in tasks:
                waiting.append((number, task))
                yield torch.tensor(task.pixels)[None]

        for embedding in self.embeddings(views()):
            number, task = waiting.popleft()
            with self.precision():
                found = self._asked(task, embedding, criteria)
            yield number, found  # outside, or what the caller does next would be computed so too

    def embeddings(self, views: Iterable[Float[Tensor, "1 e e"]]) -> Iterator[Float[Tensor, "1 c y x"]]:
        """Yield the embedding of each grey view, float32 on the CPU.

        Raises:
            ConfigError: If not even a single view fits in the device's memory.
            InputError: If the network answers with NaN or infinity.
        """
        answers = run_in_batches(self._embed, views, batch=self._batch, device=self.device, dtype=self._dtype)
        for answer in answers:
            if not torch.isfinite(answer).all():
                raise InputError(
                    "efficient-sam-ti answered with NaN or infinity; check its weights, or take dtype float32"
                )
            yield answer[None]

    @contextmanager
    def precision(self) -> Iterator[None]:
        """Compute without gradients, and half precision where that was asked for."""
        half = self._dtype != torch.float32
        with ExitStack() as stack:
            stack.enter_context(torch.inference_mode())
            stack.enter_context(torch.autocast(self.device.type, self._dtype if half else None, enabled=half))
            yield

    def _embed(self, views: Float[Tensor, "b 1 e e"]) -> Float[Tensor, "b c y x"]:
        images = zoomed(views, self.native_size).expand(-1, 3, -1, -1)
        embedded: Tensor = self.network.embed(images)  # type: ignore[operator]
        return embedded

    def _asked(self, task: Task, embedding: Float[Tensor, "1 c y x"], criteria: Criteria) -> list[Candidate]:
        features = embedding.to(self.device)
        return [
            candidate
            for prompts in task.prompts
            if len(prompts)
            for candidate in ask(self.network, features, prompts, task.scene, criteria, chunk=self.chunk)  # type: ignore[arg-type]
        ]
