"""What a training leaves on disk: a folder per network, whole or marked as unfinished.

::

    run.json              what is trained on what; whether it is finished
    state/                the checkpoint, until it is finished
    weights.safetensors   the best averaged weights
    recipe.toml           gives the same training again
    history.json          losses and metrics by epoch
    metrics.json          metrics of the weights, by image too
    samples.png           images held out: as they are, the truth, what was found
    excluded.txt          names of images left out, where there are any
    card.md               all of that in words
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from graticule.core.environment import environment
from graticule.core.errors import StorageError
from graticule.core.keyless import keyless, without_keys
from graticule.models.weights import save_weights
from graticule.storage.place import Place
from graticule.training.card import EXCLUDED, card
from graticule.training.difference import difference
from graticule.training.job import Job
from graticule.training.loop import Trained
from graticule.training.recipes import as_toml
from graticule.training.samples import sheet
from graticule.training.state import STATE
from graticule.training.validation import AbstractScored

RUN, WEIGHTS, RECIPE = "run.json", "weights.safetensors", "recipe.toml"
HISTORY, METRICS, SAMPLES, CARD = "history.json", "metrics.json", "samples.png", "card.md"
SHOWN = 4
"""Images on the sheet of samples."""


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A network that was trained, and where its result lies.

    Attributes:
        network: Its name.
        folder: Folder or URL with the files above.
        metrics: Of the weights, on the images held out.
        best_epoch: That they are from.
        epochs: That were run.
        seconds: That it took, all sessions together.
        worked: False where it was finished before.
    """

    network: str
    folder: str
    metrics: Mapping[str, float]
    best_epoch: int
    epochs: int
    seconds: float
    worked: bool = True

    def path(self, name: str) -> str:
        """Return the path or URL of one of the files above."""
        return Place.at(self.folder).path(name)

    @property
    def weights(self) -> str:
        """Path or URL of the weights."""
        return self.path(WEIGHTS)


def begin(job: Job, about: Mapping[str, Any], *, overwrite: bool) -> Finished | None:
    """Make a job's folder ready; return its result if it is finished already.

    What lies there of the same recipe and data is gone on with.

    Args:
        job: What is to be trained.
        about: More to be said of it in ``run.json``.
        overwrite: Whether to delete the result of another recipe or other data.

    Raises:
        StorageError: If something else lies there, or it cannot be written.
    """
    place = Place.at(job.out)
    if place.is_file():
        raise StorageError(f"{job.out} is a file; choose another --out, or move the file")
    old = _record(place)
    if old is None and place.names():
        raise StorageError(f"{job.out} is not empty and holds no training of graticule; choose another --out")
    new = keyless(
        {
            "network": job.recipe.network,
            "identity": job.identity,
            "recipe": job.recipe.model_dump(mode="json"),
            "begun": _now(),
            "finished": None,
            "environment": environment(),
            **about,
        }
    )
    if old is not None:
        why = difference(job.out, old, new)
        if why is None:
            return _kept(place) if old.get("finished") else None
        if not overwrite:
            raise StorageError(why)
        _clear(place)
    _write_json(place, RUN, new)
    return None


def finish(job: Job, trained: Trained, scored: Sequence[AbstractScored]) -> Finished:
    """Write a training's result; it is marked as finished when all of it is there.

    Args:
        job: What was trained.
        trained: How it ended.
        scored: What the trained network finds in the images held out.

    Raises:
        StorageError: If it cannot be written.
    """
    place = Place.at(job.out)
    begun = _record(place) or {}
    seconds = trained.history[-1].seconds
    done = Finished(
        network=job.recipe.network,
        folder=place.root,
        metrics=job.validation().summary(scored),
        best_epoch=trained.best_epoch,
        epochs=len(trained.history),
        seconds=seconds,
    )
    about = {**begun, "hardware": trained.hardware, "stopped_early": trained.stopped_early}
    place.write(RECIPE, without_keys(as_toml(job.recipe)).encode())
    _write_json(place, HISTORY, [asdict(epoch) for epoch in trained.history])
    place.write(SAMPLES, sheet(scored[:SHOWN]))
    if about.get("excluded"):
        place.write(EXCLUDED, "".join(f"{name}\n" for name in about["excluded"]).encode())
    text = without_keys(card(job, done, about))
    place.write(CARD, text.encode())
    save_weights(
        place.path(WEIGHTS),
        job.recipe.network,
        trained.network.config,  # type: ignore[arg-type]
        trained.network,
        metadata={
            "trained_on": json.dumps(keyless([source.name for source in job.sources])),
            "training": job.identity,
            "recipe": json.dumps(keyless(job.recipe.model_dump(mode="json"))),
            "metrics": json.dumps(done.metrics),
        },
    )
    figures = {key: value for key, value in asdict(done).items() if key not in ("folder", "worked")}
    _write_json(
        place, METRICS, {**figures, "images": [{"image": one.name, **one.figures()} for one in scored]}
    )
    _write_json(place, RUN, {**about, "finished": _now()})
    place.remove(STATE)
    return done


def _record(place: Place) -> dict[str, Any] | None:
    content = place.read(RUN)
    if content is None:
        return None
    try:
        found: dict[str, Any] = json.loads(content)
    except ValueError as error:
        raise StorageError(f"{place.path(RUN)} is damaged ({error}); delete {place.root}") from None
    return found


def _kept(place: Place) -> Finished:
    """Return a finished training's result; a state that was left by a kill in the last moment goes."""
    place.remove(STATE)
    content = place.read(METRICS)
    if content is None:
        raise StorageError(f"{place.path(METRICS)} is gone; delete {place.root} and train again")
    figures = json.loads(content)
    figures.pop("images")
    return Finished(**figures, folder=place.root, worked=False)


def _clear(place: Place) -> None:
    # the record last: without it nobody would know what the rest is
    for name in place.names():
        if name != RUN:
            place.remove(name)


def _write_json(place: Place, name: str, value: Any) -> None:
    place.write(name, json.dumps(keyless(value), indent=1).encode())


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
