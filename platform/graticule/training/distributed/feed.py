"""A worker's picks as a Ray Data set: rows are coordinates, crops are made where they are needed.

By default in the worker itself, ahead of the step, so that no pixel passes through the object
store; or, for a GPU that would wait for them, by actors on free CPUs of the cluster.
"""

import logging
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

import numpy as np
import pyarrow
import ray.data
import torch

from graticule.training.batch import AnyBatch, gathered, put_together
from graticule.training.distributed.team import CPUS_PER_WORKER
from graticule.training.feed import CropOf, slots_of
from graticule.training.loop import Feed
from graticule.training.plan import Pick, Plan

Rows = Mapping[str, np.ndarray]


def ray_feed(
    plan: Plan, crop_of: CropOf, *, slots: int, rank: int = 0, workers: int = 1, makers: int = 0
) -> Feed:
    """Return a feed that gives what :func:`graticule.training.feed.local_feed` gives, by Ray Data.

    Args:
        plan: Which examples each step sees.
        crop_of: Makes a crop; called in one thread of a process.
        slots: Of a step.
        rank: This worker's number, from 0.
        workers: How many there are.
        makers: Actors that make this worker's crops; 0 makes them in the worker.
    """
    _keep_order()
    size = plan.batch // slots

    def feed(epoch: int, done: int) -> Iterator[list[AnyBatch]]:
        steps = plan.epoch(epoch)[done:]
        mine = [slot for picks in steps for slot in slots_of(picks, slots=slots, rank=rank, workers=workers)]
        if not mine:
            return
        # Actors take blocks, one to a slot; a single one for all costs no task.
        picks_of_mine = [pick for slot in mine for pick in slot]
        rows = _rows(picks_of_mine, block=size if makers else len(picks_of_mine))
        batches = _made_by_actors(rows, crop_of, size, makers) if makers else _made_here(rows, crop_of, size)
        while step := list(islice(batches, slots // workers)):
            yield step

    return feed


def _rows(picks: list[Pick], *, block: int) -> ray.data.Dataset:
    table = pyarrow.table({name: [getattr(pick, name) for pick in picks] for name in Pick.__slots__})
    return ray.data.from_arrow([table.slice(start, block) for start in range(0, len(picks), block)])


def _picks(rows: Rows) -> list[Pick]:
    return [
        Pick(source=int(source), index=int(index), seed=int(seed))
        for source, index, seed in zip(rows["source"], rows["index"], rows["seed"], strict=True)
    ]


def _made_here(rows: ray.data.Dataset, crop_of: CropOf, size: int) -> Iterator[AnyBatch]:
    # One batch ahead is one thread: crop_of keeps examples, and is not for several.
    batches: Any = rows.iter_torch_batches(
        batch_size=size,
        prefetch_batches=1,
        device="cpu",
        collate_fn=lambda part: gathered([crop_of(pick) for pick in _picks(part)])._asdict(),
    )
    for parts in batches:
        yield put_together(parts)


class _Maker:
    def __init__(self, crop_of: CropOf) -> None:
        torch.set_num_threads(1)
        self._crop_of = crop_of

    def __call__(self, rows: Rows) -> dict[str, np.ndarray]:
        batch = gathered([self._crop_of(pick) for pick in _picks(rows)])
        return {name: value.numpy() for name, value in batch._asdict().items()}


def _made_by_actors(rows: ray.data.Dataset, crop_of: CropOf, size: int, makers: int) -> Iterator[AnyBatch]:
    made = rows.map_batches(
        _Maker,  # type: ignore[arg-type]
        fn_constructor_args=(crop_of,),
        batch_size=size,
        compute=ray.data.ActorPoolStrategy(size=makers),
        num_cpus=CPUS_PER_WORKER,
    )
    for part in made.iter_batches(batch_size=size, prefetch_batches=2, batch_format="numpy"):
        yield put_together({name: torch.as_tensor(np.array(values)) for name, values in part.items()})


def _keep_order() -> None:
    context = ray.data.DataContext.get_current()
    context.execution_options.preserve_order = True
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
