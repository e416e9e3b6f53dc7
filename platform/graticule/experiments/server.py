"""Which MLflow is asked, and how to reach it without its noise."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from graticule.core.errors import ConfigError, GraticuleError
from graticule.core.keyless import without_keys
from graticule.experiments.home import home

DATABASE, ARTIFACTS = "mlflow.db", "mlartifacts"
SERVED = "mlflow-artifacts:"
"""Scheme of files that go through a server."""
_SQLITE = "sqlite:///"
_NOISY = ("mlflow", "alembic", "urllib3")
_LONGEST = 200
_FULL = ("disk is full", "No space left", "Disk quota")
# A mistyped address would otherwise be asked for minutes; nobody is told that we run.
_MANNERS = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}


def tracking_uri() -> str:
    """Return ``$MLFLOW_TRACKING_URI``; the database in ``$GRATICULE_HOME`` where it is not set."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"{_SQLITE}{home() / DATABASE}"


def is_begun() -> bool:
    """Whether there is a registry to ask: a server is named, or the database of our own exists."""
    return bool(os.environ.get("MLFLOW_TRACKING_URI")) or (home() / DATABASE).is_file()


def artifact_root() -> Path | None:
    """Return the folder for files of runs; ``None`` where a server decides.

    Beside a database in a file, since MLflow by itself takes the working folder, and that of a
    submitted job can be a temporary copy.
    """
    uri = tracking_uri()
    if uri.startswith(("http://", "https://", "databricks")):
        return None
    if uri.startswith(_SQLITE):
        return Path(uri.removeprefix(_SQLITE).partition("?")[0]).absolute().parent / ARTIFACTS
    return home() / ARTIFACTS


def client() -> Any:
    """Return an ``MlflowClient`` of :func:`tracking_uri`."""
    for name, value in _MANNERS.items():
        os.environ.setdefault(name, value)
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.ERROR)
    from mlflow import MlflowClient

    if not os.environ.get("MLFLOW_TRACKING_URI"):
        home().mkdir(parents=True, exist_ok=True)
    return MlflowClient(tracking_uri=tracking_uri())


@contextmanager
def asking(what: str = "the model registry") -> Iterator[None]:
    """Turn what MLflow raises into one line that names the server.

    Args:
        what: Who is asked, as the line begins.

    Raises:
        ConfigError: If it does not answer, or refuses.
    """
    try:
        yield
    except GraticuleError:
        raise
    except Exception as error:  # MLflow, SQLAlchemy, requests and each artifact store have their own trees
        said = (str(error).strip().splitlines() or [type(error).__name__])[0]
        known = without_keys(tracking_uri())
        said = said.replace(tracking_uri().rstrip("/"), known)[:_LONGEST]
        if any(word in said for word in _FULL):
            raise ConfigError(f"{what} {known} has no room left ({said}); make some") from error
        raise ConfigError(f"{what} {known} does not answer ({said}); check MLFLOW_TRACKING_URI") from error
