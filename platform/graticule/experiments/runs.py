"""A run in MLflow: what was asked for, what was measured, what was made.

Runs are named by their id, never by what MLflow takes for the current one: several may be open in
a process, and one goes on in another process.
"""

import re
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar
from urllib.parse import quote

from graticule.core.errors import ConfigError
from graticule.core.keyless import without_keys
from graticule.experiments.server import SERVED, artifact_root, asking, client, tracking_uri

Status = Literal["FINISHED", "FAILED", "KILLED"]
_ASKED = "MLflow"
_NAME, _LONGEST_NAME = re.compile(r"[^\w\-. :/]", re.ASCII), 250
_LONGEST_PARAM, _LONGEST_TAG = 6000, 8000
_METRICS, _PARAMS = 1000, 100  # as many as MLflow takes at once
_PARENT = "mlflow.parentRunId"
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One run. All methods raise ConfigError, in one line, where MLflow does not answer."""

    run_id: str
    experiment_id: str
    name: str

    def params(self, values: Mapping[str, Any]) -> None:
        """Log what was asked for; nested values as ``outer.inner``. A value cannot be changed later."""
        from mlflow.entities import Param

        params = [Param(_name(name), _short(value, _LONGEST_PARAM)) for name, value in _flat(values)]
        with asking(_ASKED):
            for some in _batched(params, _PARAMS):
                client().log_batch(self.run_id, params=some)

    def tags(self, values: Mapping[str, Any]) -> None:
        """Set tags; one of the same name is replaced."""
        from mlflow.entities import RunTag

        tags = [RunTag(_name(name), _short(value, _LONGEST_TAG)) for name, value in values.items()]
        with asking(_ASKED):
            for some in _batched(tags, _PARAMS):
                client().log_batch(self.run_id, tags=some)

    def metrics(self, step: int, values: Mapping[str, float], *, model_id: str | None = None) -> None:
        """Log what was measured at a step, in one request.

        Args:
            step: What MLflow draws the values over.
            values: By name.
            model_id: The logged model that they are of.
        """
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        metrics = [
            Metric(_name(name), float(value), now, step, model_id=model_id) for name, value in values.items()
        ]
        with asking(_ASKED):
            for some in _batched(metrics, _METRICS):
                client().log_batch(self.run_id, metrics=some)

    def steps(self, metric: str) -> list[int]:
        """Return the steps at which a metric was logged, in order."""
        with asking(_ASKED):
            return sorted(entry.step for entry in client().get_metric_history(self.run_id, _name(metric)))

    def artifact(self, content: Path | bytes, name: str) -> None:
        """Log a file or a folder, or bytes as a file.

        Args:
            content: A local path, or what the file holds.
            name: Where it lies in the run, ``samples/epoch_003.png``.
        """
        folder, _, file = name.rpartition("/")
        with asking(_ASKED):
            if isinstance(content, Path) and content.is_dir():
                client().log_artifacts(self.run_id, str(content), name)
                return
            with tempfile.TemporaryDirectory() as scratch:
                path = Path(scratch, file)
                path.write_bytes(content if isinstance(content, bytes) else content.read_bytes())
                client().log_artifact(self.run_id, str(path), folder or None)

    def data(self, name: str, digest: str, *, role: str = "training") -> None:
        """Log a data set that the run used, by its name and digest."""
        from mlflow.entities import Dataset, DatasetInput, InputTag

        name = without_keys(name)
        said = Dataset(name=name[:500], digest=digest[:36], source_type="graticule", source=name)
        with asking(_ASKED):
            used = DatasetInput(said, [InputTag("mlflow.data.context", role)])
            client().log_inputs(self.run_id, [used])

    def finish(self, status: Status = "FINISHED") -> None:
        """Close the run."""
        with asking(_ASKED):
            client().set_terminated(self.run_id, status)


def start(
    experiment: str,
    name: str,
    *,
    params: Mapping[str, Any] | None = None,
    tags: Mapping[str, Any] | None = None,
    parent: Run | None = None,
) -> Run:
    """Begin a run.

    Args:
        experiment: Runs of one kind; begun where there is none of that name.
        name: Of the run; several may have the same.
        params: What was asked for.
        tags: What else is said of it.
        parent: The run that it is a part of.

    Raises:
        ConfigError: If MLflow does not answer, or keeps this experiment's files where they cannot
            be written from here.
    """
    linked = {_PARENT: parent.run_id} if parent else {}
    with asking(_ASKED):
        found = _experiment(experiment)
        made = client().create_run(found, run_name=name, tags=linked)
    run = Run(run_id=made.info.run_id, experiment_id=found, name=name)
    if tags:
        run.tags(tags)
    if params:
        run.params(params)
    return run


def find(run_id: str) -> Run | None:
    """Return a run begun before, running again; ``None`` where there is none, or it was deleted.

    Raises:
        ConfigError: If MLflow does not answer.
    """
    from mlflow.exceptions import MlflowException

    with asking(_ASKED):
        try:
            found = client().get_run(run_id)
        except MlflowException as error:
            if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                return None
            raise
        if found.info.lifecycle_stage != "active":
            return None
        client().update_run(run_id, "RUNNING")
    return Run(run_id=run_id, experiment_id=found.info.experiment_id, name=found.info.run_name)


def _experiment(name: str) -> str:
    """Return the id of an experiment, which is begun if need be."""
    from mlflow.exceptions import MlflowException

    server = client()
    found = server.get_experiment_by_name(name)
    if found is None:
        root = artifact_root()
        try:
            where = None if root is None else str(root / quote(name, safe=""))
            return str(server.create_experiment(name, artifact_location=where))
        except MlflowException:
            found = server.get_experiment_by_name(name)  # another process may have been faster
            if found is None:
                raise
    if found.lifecycle_stage != "active":
        raise ConfigError(
            f"the experiment {name} was deleted in MLflow {without_keys(tracking_uri())}; restore it:"
            f" mlflow experiments restore --experiment-id {found.experiment_id}"
        )
    _check_reachable(name, found.artifact_location)
    return str(found.experiment_id)


def _check_reachable(name: str, location: str) -> None:
    """Refuse files that lie in a folder of another machine, or behind a server that is not asked."""
    path, asked = location.removeprefix("file://"), without_keys(tracking_uri())
    if artifact_root() is None and path.startswith("/") and not _can_be_made(Path(path)):
        raise ConfigError(
            f"MLflow {asked} keeps the files of {name} in {path} of its own machine, which cannot be written"
            " from here; start it with a new home, so that files go through it:"
            " graticule mlflow --host 0.0.0.0 --home FOLDER"
        )
    if artifact_root() is not None and path.startswith(SERVED):
        raise ConfigError(
            f"the files of {name} in {asked} go through the server that began it; start it (graticule mlflow)"
            " and name it in MLFLOW_TRACKING_URI"
        )


def _can_be_made(folder: Path) -> bool:
    return folder.is_dir() or folder.parent.is_dir()


def _flat(values: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value


def _name(text: str) -> str:
    """Return a name that MLflow takes: letters, digits and ``_-. :/``."""
    return _NAME.sub("_", text)[:_LONGEST_NAME].strip("/ ") or "_"


def _short(value: Any, longest: int) -> str:
    text = without_keys(str(value))
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _batched(values: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (values[start : start + size] for start in range(0, len(values), size))
