"""Where a training keeps its state between sessions: beside its result, on disk or in an object store."""

from collections.abc import Mapping
from pathlib import Path

from graticule.core.errors import StorageError
from graticule.storage.place import Place
from graticule.training.job import Job
from graticule.training.state_file import State, to_bytes
from graticule.training.stores import FILE, Folder, Store, state_from

STATE = "state"
"""Folder of the state, in the folder of the result."""
RAY_RECORD = "checkpoint_manager_snapshot.json"
"""Ray Train's name for its list of checkpoints, in that folder."""


def state_store(job: Job) -> Store:
    """Return where a training in one process keeps its state."""
    place = Place.at(job.out)
    return Folder(Path(place.path(STATE))) if place.is_local else _Remote(place)


def refuse_state_of_ray(job: Job) -> None:
    """Refuse to begin anew, in one process, what was begun on Ray.

    Raises:
        StorageError: If Ray Train keeps checkpoints of the job.
    """
    place = Place.at(job.out)
    if place.is_file(f"{STATE}/{RAY_RECORD}"):
        where = place.path(STATE)
        raise StorageError(
            f"{where} holds the state of a training on Ray; go on with --workers {job.recipe.slots}, or"
            " delete that folder to begin anew"
        )


class _Remote(Store):
    """Keeps the state as one object of an object store."""

    def __init__(self, place: Place) -> None:
        self.place = place

    def load(self) -> State | None:
        content = self.place.read(f"{STATE}/{FILE}")
        return None if content is None else state_from(content, where=self.place.path(STATE, FILE))

    def save(self, state: State | None, metrics: Mapping[str, float]) -> None:
        if state is not None:
            self.place.write(f"{STATE}/{FILE}", to_bytes(state))
