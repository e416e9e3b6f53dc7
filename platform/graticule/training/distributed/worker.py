"""What a worker of Ray Train does: a shell around running a job."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

import ray.train.torch
import torch
from ray.exceptions import RayError
from threadpoolctl import threadpool_limits

from graticule.core.errors import GraticuleError, PipelineError
from graticule.training.distributed.feed import ray_feed
from graticule.training.distributed.mailbox import Joined, NotWanted, Slot, report_error
from graticule.training.distributed.store import TrainStore
from graticule.training.hardware import cores, hardware
from graticule.training.job import Job, run_job
from graticule.training.state import state_store
from graticule.training.world import World, current

MENDED_BY_TRYING_AGAIN = (RuntimeError, OSError, RayError)
"""What a worker says when another one was lost, the network broke or a GPU failed."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """What every worker is given."""

    job: Job
    slot: Slot
    threads: int
    makers: int
    environment: Mapping[str, str]
    save_every: int | None


def work(task: Task) -> None:
    """Train as one of several workers, until the end or until the driver listens no more.

    An error that a user can mend, and one that trying again cannot, goes to the driver by mail:
    Ray Train would start anew three times before it says so.
    """
    world = current()
    if not world.from_first(task.slot.wanted()):
        return
    try:
        _train(task, world)
    except NotWanted:
        raise
    except GraticuleError as error:
        report_error(task.slot, error)
        raise
    except MENDED_BY_TRYING_AGAIN:
        raise
    except Exception as error:
        report_error(task.slot, PipelineError(f"a worker failed: {type(error).__name__}: {error}"))
        raise


def _train(task: Task, world: World) -> None:
    os.environ.update(task.environment)
    threads = min(task.threads, cores())  # the cluster's share can be more than this node has
    torch.set_num_threads(threads)
    threadpool_limits(threads)
    job, device = task.job, ray.train.torch.get_device()
    task.slot.put(Joined(world.rank, hardware(device)))
    run_job(
        job,
        world=world,
        store=TrainStore(state_store(job), task.slot if world.rank == 0 else None),
        device=device,
        listen=task.slot.put,
        feed=ray_feed(
            job.plan(),
            job.maker(),
            slots=job.recipe.slots,
            rank=world.rank,
            workers=world.size,
            makers=task.makers,
        ),
        save_every=task.save_every,
    )
