"""A home with an empty database of MLflow; making one takes seconds, so it is made once and copied."""

import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import pytest

from graticule.experiments.server import DATABASE


@cache
def _empty_database() -> Path:
    from mlflow import MlflowClient

    path = Path(mkdtemp(prefix="grat-mlflow-")) / DATABASE
    MlflowClient(f"sqlite:///{path}").search_experiments()
    return path


def begin(home: Path) -> Path:
    """Put an empty database into a home; return the home."""
    home.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(_empty_database(), home / DATABASE)
    return home


@pytest.fixture
def mlflow_home(tmp_path, monkeypatch) -> Iterator[Path]:
    """A home of the test's own, and a working folder in which nothing may be left."""
    home = begin(tmp_path / "home")
    monkeypatch.setenv("GRATICULE_HOME", str(home))
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    yield home
    assert not list((tmp_path / "work").iterdir()), "MLflow left something in the working folder"
