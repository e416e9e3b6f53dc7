"""The driver's side of training on Ray Train: start the workers, listen, take the result."""

import logging
import os
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import ray
import ray.train
from ray.exceptions import RayError
from ray.train.torch import TorchTrainer

from graticule.core.errors import PipelineError
from graticule.training.cost import cpu_cost
from graticule.training.distributed.mailbox import Mailbox, Once
from graticule.training.distributed.store import Given, check_record, state_of
from graticule.training.distributed.team import Team, shared_by, team_of
from graticule.training.distributed.worker import Task, work
from graticule.training.events import TrainingListener
from graticule.training.job import Job, run_job
from graticule.training.loop import Trained
from graticule.training.recipe import Recipe
from graticule.training.state import STATE, state_store
from graticule.training.state_file import State

log = logging.getLogger(__name__)

MOST_LOST = 3
"""Times that workers may be lost and replaced."""
MOST_STARTS = 10
"""Minutes, about, that workers wait for room on the cluster."""
RAY_TRAIN = {"RAY_CHDIR_TO_TRIAL_DIR": "0", "RAY_TRAIN_HEALTH_CHECK_INTERVAL_S": "0.5"}
"""Relative paths mean what they mean to the driver; a checkpoint is recorded soon."""
POLL_SECONDS = 0.2
LEAVE_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class OnRayTrain:
    """Trains a job on the connected Ray cluster.

    Attributes:
        workers: How many; by default what :func:`graticule.training.distributed.team.team_of` says.
        use_gpu: Whether each has a GPU.
        environment: Variables that the workers take on.
        save_every: Steps between states saved in mid-epoch; see :func:`graticule.training.loop.fit`.
        makers: Actors per worker that make its crops; 0: the worker makes them itself.
    """

    workers: int | None = None
    use_gpu: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)
    save_every: int | None = None
    makers: int = 0

    def recipe_for(self, recipe: Recipe) -> Recipe:
        """Return the recipe with slots that the workers can share; Ray is asked only about GPUs.

        Raises:
            ConfigError: If its batch cannot be shared, or the cluster has not what is asked for.
        """
        cluster = _cluster() if self.use_gpu else {}
        return shared_by(recipe, self._team(recipe.network, cluster).size)

    def __call__(self, job: Job, listen: TrainingListener | None = None) -> Trained:
        """Train ``job``, whose recipe is as :meth:`recipe_for` says; go on from what ``job.out`` has.

        Raises:
            GraticuleError: The first error of a worker that a user can mend.
            PipelineError: Any other failure, after three times in which workers were replaced.
        """
        team = self._team(job.recipe.network, _cluster())
        job = replace(job, recipe=shared_by(job.recipe, team.size))
        _tell(job.recipe, team)
        check_record(job.out)
        mailbox = Mailbox()
        task = Task(
            job=job,
            slot=mailbox.slot(),
            threads=team.threads,
            makers=self.makers,
            environment=dict(self.environment),
            save_every=self.save_every,
        )
        fitting, tell = _Fitting(_trainer(task, team), job.recipe.network), Once(listen)
        _listen(fitting, mailbox, tell)
        mailbox.remove()
        trained = run_job(job, store=Given(_last_state(fitting, job)))
        return replace(trained, hardware=_said_of(tell.machines))

    def _team(self, network: str, cluster: Mapping[str, float]) -> Team:
        return team_of(network, cluster, workers=self.workers, use_gpu=self.use_gpu)


def _last_state(fitting: "_Fitting", job: Job) -> State:
    """Return what the workers ended with; nothing is reported where one process had made all epochs."""
    checkpoint = fitting.checkpoint()
    state = state_of(checkpoint) if checkpoint is not None else state_store(job).load()
    if state is None:
        raise PipelineError(f"training {job.recipe.network}: the workers ended without a result; try again")
    return state


def _tell(recipe: Recipe, team: Team) -> None:
    workers = "1 worker" if team.size == 1 else f"{team.size} workers"
    each = "a GPU" if team.gpus_each else f"{team.threads} threads"
    cost = "" if team.gpus_each else f": {cpu_cost(recipe, threads=team.size * team.threads)}"
    log.info("%s trains on Ray with %s, each with %s%s", recipe.network, workers, each, cost)


def _cluster() -> Mapping[str, float]:
    resources: Mapping[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
    return resources


def _said_of(machines: Mapping[int, str]) -> str:
    """Return in words what hardware the workers were on, by their ranks."""
    counts = Counter(machines.values())
    listed = "; ".join(f"{count} on {hardware}" for hardware, count in counts.items())
    return f"{len(machines)} workers on Ray: {listed}" if len(machines) > 1 else next(iter(counts), "?")


def _trainer(task: Task, team: Team) -> TorchTrainer:
    for name, value in RAY_TRAIN.items():
        os.environ.setdefault(name, value)
    return TorchTrainer(
        lambda: work(task),
        scaling_config=ray.train.ScalingConfig(
            num_workers=team.size,
            use_gpu=team.gpus_each > 0,
            resources_per_worker=team.resources,
            placement_strategy="PACK" if team.gpus_each else "SPREAD",
        ),
        run_config=_run_config(task.job.out),
    )


def _run_config(out: str) -> ray.train.RunConfig:
    api: Any = ray.train  # typed as its first version, which has fewer options
    config: ray.train.RunConfig = api.RunConfig(
        name=STATE,
        storage_path=out,
        failure_config=api.FailureConfig(max_failures=MOST_LOST, controller_failure_limit=MOST_STARTS),
        checkpoint_config=api.CheckpointConfig(num_to_keep=2),
        logging_config=api.LoggingConfig(log_level="ERROR"),
    )
    return config


class _Fitting(threading.Thread):
    """Ray Train's ``fit`` in a thread of its own.

    It takes SIGINT for itself where it runs in the main thread, and listeners want to be
    called there.
    """

    def __init__(self, trainer: TorchTrainer, network: str) -> None:
        super().__init__(name="ray-train", daemon=True)
        self._trainer, self._network = trainer, network
        self._result: ray.train.Result | None = None
        self._error: Exception | None = None

    def run(self) -> None:
        try:
            self._result = self._trainer.fit()
        except Exception as error:  # noqa: BLE001 - it is raised again in the main thread
            self._error = error

    def checkpoint(self) -> ray.train.Checkpoint | None:
        """Return the last checkpoint, ``None`` if there is none.

        Raises:
            PipelineError: If the workers failed.
        """
        if self._error is not None:
            log.debug("training %s failed", self._network, exc_info=self._error)
            raise PipelineError(f"training {self._network}: {_reason(self._error)}") from self._error
        return self._result.checkpoint if self._result is not None else None


def _listen(fitting: _Fitting, mailbox: Mailbox, tell: Once) -> None:
    """Tell what comes until the workers have ended; an error here makes them end."""
    fitting.start()
    try:
        while fitting.is_alive():
            fitting.join(POLL_SECONDS)
            for letter in mailbox.take():
                tell(letter)
        for letter in mailbox.take():
            tell(letter)
    except BaseException as error:
        mailbox.close()
        if not isinstance(error, KeyboardInterrupt):  # which ends all of Ray
            fitting.join(LEAVE_SECONDS)
        raise


def _reason(error: Exception) -> str:
    failures = getattr(error, "worker_failures", None) or {}
    cause = next(iter(failures.values()), getattr(error, "controller_failure", error))
    if isinstance(cause, RayError):
        cause = getattr(cause, "cause", cause) or cause
    lines = [line.strip() for line in str(cause).splitlines() if line.strip()]
    return f"{type(cause).__name__}: {lines[-1]}" if lines else type(cause).__name__
