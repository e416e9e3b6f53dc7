"""The state of a run in Ray Train's checkpoints."""

import json
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import ray.train

from graticule.core.errors import StorageError
from graticule.storage.place import Place
from graticule.training.distributed.mailbox import Resumed, Slot
from graticule.training.events import EpochDone
from graticule.training.state import RAY_RECORD, STATE
from graticule.training.state_file import State
from graticule.training.stores import FILE, Store, read_state, write_state


class TrainStore(Store):
    """Keeps the state by ``ray.train.report``, which all workers call equally often.

    Args:
        begun: Has what was begun without Ray, if anything.
        slot: Told of what the group of workers goes on from; ``None`` for all but the first.
    """

    def __init__(self, begun: Store, slot: Slot | None = None) -> None:
        self._begun, self._slot = begun, slot

    def load(self) -> State | None:
        """Return the last state that was reported whole; ``None`` if there is none."""
        checkpoint = ray.train.get_checkpoint()
        state = state_of(checkpoint) if checkpoint else self._begun.load()
        if self._slot is not None:
            history = state["ledger"]["history"] if state else ()
            self._slot.put(Resumed(tuple(EpochDone(**epoch) for epoch in history)))
        return state

    def save(self, state: State | None, metrics: Mapping[str, float]) -> None:
        """Report the state; returns when workers that begin anew would go on from it.

        Raises:
            StorageError: If it cannot be written there.
        """
        if state is None:
            ray.train.report({}, checkpoint=None)
            return
        with TemporaryDirectory(prefix="graticule-") as folder:
            write_state(Path(folder) / FILE, state)
            try:
                ray.train.report(dict(metrics), checkpoint=ray.train.Checkpoint.from_directory(folder))
            except OSError as error:
                raise StorageError(f"the checkpoint cannot be written: {error}") from error
        _wait_until_recorded()


def _wait_until_recorded() -> None:
    # report returns before that: an epoch would be told, and after a loss be made again.
    api: Any = ray.train
    api.get_all_reported_checkpoints(consistency_mode=api.CheckpointConsistencyMode.COMMITTED)


class Given(Store):
    """Has one state, and keeps nothing."""

    def __init__(self, state: State) -> None:
        self._state = state

    def load(self) -> State:
        """Return the state."""
        return self._state

    def save(self, state: State | None, metrics: Mapping[str, float]) -> None:
        """Keep nothing."""


def state_of(checkpoint: ray.train.Checkpoint) -> State:
    """Return the state that a checkpoint holds.

    Raises:
        StorageError: If it is damaged.
    """
    with checkpoint.as_directory() as folder:
        return read_state(Path(folder) / FILE)


def check_record(out: str) -> None:
    """Look whether Ray Train's record of its checkpoints is whole: it replaces it in place.

    Raises:
        StorageError: If it was cut off when the run was killed, or names checkpoints that are gone.
    """
    place = Place.at(out)
    content = place.read(f"{STATE}/{RAY_RECORD}")
    if content is None:
        return
    try:
        known = {result["checkpoint_dir_name"] for result in json.loads(content)["checkpoint_results"]}
    except (ValueError, KeyError, TypeError):
        known = {"of a damaged record"}
    lost = sorted(name for name in known if not place.is_file(f"{STATE}/{name}/{FILE}"))
    if lost:
        where = place.path(STATE)
        raise StorageError(f"{where}: the checkpoint {lost[0]} is not there; delete {where} to begin anew")
