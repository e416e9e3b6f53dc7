"""Entrants of a comparison on Ray: images shared out among workers, speed and memory measured alone."""

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import ray
from ray.exceptions import RayError, RayTaskError
from threadpoolctl import threadpool_limits

from graticule.core.registry import look_up
from graticule.models.registry import SEGMENTERS
from graticule.training.comparison.labels import packed, unpack
from graticule.training.comparison.measure import Measured, Work
from graticule.training.comparison.shards import shards_of, timing_of, together

log = logging.getLogger(__name__)

Answer = tuple[Measured, dict[str, bytes]]


@dataclass(frozen=True, kw_only=True, slots=True)
class CompareOnRay:
    """Does the work of a comparison on the connected Ray cluster, entrant after entrant.

    While speed and memory of one are measured, nothing else of the comparison runs.

    Attributes:
        workers: How many share an entrant's images; by default one per GPU, or per CPU without any.
        environment: Variables that the workers take on.
    """

    workers: int | None = None
    environment: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, works: Sequence[Work]) -> Iterator[Measured]:
        """Yield what each piece of work came to; a worker that dies costs its own row alone."""
        cluster: Mapping[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
        gpus = int(cluster.get("GPU", 0))
        for work in works:
            size = _size(work, cluster, self.workers or gpus or int(cluster.get("CPU", 1)))
            try:
                yield self._of_one(work, size, {"num_cpus": 1, "num_gpus": min(gpus, 1), "max_retries": 1})
            except RayError as error:
                log.debug("%s failed", work.entrant.name, exc_info=True)
                yield Measured(entrant=work.entrant, trouble=_reason(error))

    def _of_one(self, work: Work, size: int, share: Mapping[str, Any]) -> Measured:
        shards = [replace(shard, threads=1) for shard in shards_of(work, size)]
        parts = self._done(shards, ray.remote(max_calls=0, **share)(_perform))
        for measured, labels in parts:
            if measured.trouble is not None:
                return measured
            if work.keep is not None:
                unpack(work.keep, labels)
        # A process of its own: what others took before would be missing from its memory.
        [(timed, _)] = self._done([timing_of(work)], ray.remote(max_calls=1, **share)(_perform))
        return together([measured for measured, _ in parts], timed)

    def _done(self, works: Sequence[Work], task: Any) -> list[Answer]:
        answers: list[Answer] = ray.get([task.remote(work, dict(self.environment)) for work in works])
        return answers


def _size(work: Work, cluster: Mapping[str, float], workers: int) -> int:
    """Return how many workers share the images: no more than fit in the memory that Ray lends."""
    network = work.entrant.network
    each = look_up("segmenter", SEGMENTERS, network).memory_bytes if network in SEGMENTERS else 0
    if each and "memory" in cluster:
        workers = min(workers, int(cluster["memory"] // each))
    return max(1, workers)


def _perform(work: Work, environment: Mapping[str, str]) -> Answer:
    os.environ.update(environment)
    threadpool_limits(work.threads)
    with TemporaryDirectory(prefix="graticule-compare-") as folder:
        keep = Path(folder)
        measured = replace(work, keep=keep if work.scored else None)()
        return measured, packed(keep)


def _reason(error: RayError) -> str:
    cause = error.cause if isinstance(error, RayTaskError) else error
    lines = [line.strip() for line in str(cause).splitlines() if line.strip()]
    said = f"{type(cause).__name__}: {lines[0]}" if lines else type(cause).__name__
    return said if isinstance(error, RayTaskError) else f"its worker was lost ({said})"
