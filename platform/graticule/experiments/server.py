"""Which MLflow is asked, and how to reach it without its noise."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from graticule.core.errors import ConfigError, GraticuleError
from graticule.experiments.home import home

_DATABASE = "mlflow.db"
_NOISY = ("mlflow", "alembic", "urllib3")
_LONGEST = 200
# A mistyped address would otherwise be asked for minutes; nobody is told that we run.
_MANNERS = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}


def tracking_uri() -> str:
    """Return ``$MLFLOW_TRACKING_URI``; the database in ``$GRATICULE_HOME`` where it is not set."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{home() / _DATABASE}"


def is_begun() -> bool:
    """Whether there is a registry to ask: a server is named, or the database of our own exists."""
    return bool(os.environ.get("MLFLOW_TRACKING_URI")) or (home() / _DATABASE).is_file()


def client() -> Any:
    """Return an ``MlflowClient`` of :func:`tracking_uri`."""
    for name, value in _MANNERS.items():
        os.environ.setdefault(name, value)
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.ERROR)
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=tracking_uri())


@contextmanager
def asking() -> Iterator[None]:
    """Turn what MLflow raises into one line that names the server.

    Raises:
        ConfigError: If it does not answer, or refuses.
    """
    try:
        yield
    except GraticuleError:
        raise
    except Exception as error:  # MLflow, SQLAlchemy, requests and each artifact store have their own trees
        said = (str(error).strip().splitlines() or [type(error).__name__])[0][:_LONGEST]
        raise ConfigError(
            f"the model registry {tracking_uri()} does not answer ({said}); check MLFLOW_TRACKING_URI"
        ) from error
