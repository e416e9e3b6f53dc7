"""The run in MLflow that belongs to a training: begun once, found again when it goes on.

Its id is kept in ``mlflow.json`` of the network's folder.
"""

import json
from collections.abc import Mapping
from typing import Any

from graticule.core.environment import environment
from graticule.core.keyless import keyless, without_keys
from graticule.experiments.provenance import git_revision, machine
from graticule.experiments.runs import Run, find, start
from graticule.experiments.server import tracking_uri
from graticule.storage.place import Place
from graticule.training.examples import ENDLESS
from graticule.training.job import Job
from graticule.training.result import RUN as RECORD

EXPERIMENT = "graticule-training"
FILE = "mlflow.json"


def begun_before(place: Place) -> Run | None:
    """Return the run of a training's folder, running again; ``None`` if this MLflow has none.

    Raises:
        ConfigError: If MLflow does not answer.
    """
    note = _note(place)
    return find(note["run_id"]) if note.get("tracking_uri") == _asked() else None


def is_registered(place: Place) -> bool:
    """Whether this MLflow was told all of a finished training, as its folder says."""
    note = _note(place)
    return note.get("tracking_uri") == _asked() and "version" in note


def begin(job: Job, settings: Mapping[str, Any]) -> Run:
    """Return a new run that says all that decides a training.

    Args:
        job: The training.
        settings: What the user asked for, as JSON can say it.

    Raises:
        ConfigError: If MLflow does not answer.
    """
    network, data = job.recipe.network, data_of(job)
    run = start(
        EXPERIMENT,
        network,
        params={
            **job.recipe.model_dump(mode="json"),
            "data": [source["name"] for source in data],
            "shares": [source["share"] for source in data],
            "data_digest": job.identity,
        },
        tags={**about(network), "out": job.out},
    )
    said = {"settings": dict(settings), "data": data, "environment": {**environment(), "machine": machine()}}
    for name, content in said.items():
        run.artifact(json.dumps(keyless(content), indent=1, default=str).encode(), f"{name}.json")
    for source in data:
        run.data(source["name"], source["digest"])
    keep(run, Place.at(job.out))
    return run


def anew(network: str, place: Place) -> Run:
    """Return a new run for a training that nobody logged, with what its folder says of it.

    Raises:
        ConfigError: If MLflow does not answer.
    """
    record = json.loads(place.read(RECORD) or b"{}")
    params = {**record.get("recipe", {}), "data": record.get("data"), "shares": record.get("shares")}
    run = start(
        EXPERIMENT,
        network,
        params={**params, "data_digest": record.get("identity")},
        tags={**about(network), "out": place.root},
    )
    run.artifact(json.dumps(record.get("environment", {}), indent=1).encode(), "environment.json")
    keep(run, place)
    return run


def keep(run: Run, place: Place, *, version: int | None = None) -> None:
    """Note in a training's folder which run is its own, and as which version it is registered."""
    note: dict[str, Any] = {"run_id": run.run_id, "tracking_uri": _asked()}
    place.write(FILE, json.dumps(note if version is None else {**note, "version": version}).encode())


def _note(place: Place) -> dict[str, Any]:
    note: dict[str, Any] = json.loads(place.read(FILE) or b"{}")
    return note


def about(network: str) -> dict[str, str]:
    """Return tags of every run of a network: what it is, and of which revision of the code."""
    tags = {"network": network, "mlflow.source.name": "graticule train", "mlflow.source.type": "LOCAL"}
    revision = git_revision()
    return {**tags, "mlflow.source.git.commit": revision} if revision else tags


def data_of(job: Job) -> list[dict[str, Any]]:
    """Return what is said of each source: its digest, share, and how many are used."""
    held = {source.name: len(part) for source, part in zip(job.held_sources, job.held, strict=True)}
    trained = [
        {
            "name": source.name,
            "digest": source.digest(),
            "share": share,
            "trained_on": None if len(source) >= ENDLESS else len(part),
            "held_out": held.get(source.name, 0),
        }
        for source, share, part in zip(job.sources, job.shares, job.train, strict=True)
    ]
    known = {source.name for source in job.sources}
    others = [source for source in job.held_sources if source.name not in known]
    return trained + [
        {
            "name": source.name,
            "digest": source.digest(),
            "share": 0.0,
            "trained_on": 0,
            "held_out": held[source.name],
        }
        for source in others
    ]


def _asked() -> str:
    return without_keys(tracking_uri())
