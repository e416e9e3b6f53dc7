"""A registry of models in a database of its own."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mlflow_home import begin

Register = Callable[..., str]


@pytest.fixture(scope="module")
def registry(tmp_path_factory) -> Path:
    """The home of a registry."""
    return begin(tmp_path_factory.mktemp("home"))


@pytest.fixture(autouse=True)
def at_home(registry, monkeypatch) -> Path:
    monkeypatch.setenv("GRATICULE_HOME", str(registry))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return registry


@pytest.fixture(scope="module")
def register(tmp_path_factory) -> Register:
    """Register files as the next version of a model."""

    def add(
        name: str, files: dict[str, bytes], *, alias: str | None = None, network: str | None = "swin-unet"
    ) -> str:
        from graticule.experiments.server import client

        folder = tmp_path_factory.mktemp("artifacts")
        for file, content in files.items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_bytes(content)
        server = client()
        if name not in {model.name for model in server.search_registered_models()}:
            server.create_registered_model(name)
        version = server.create_model_version(
            name, source=str(folder), tags={"network": network} if network else {}
        ).version
        if alias is not None:
            server.set_registered_model_alias(name, alias, version)
        return f"models:/{name}/{version}"

    return add
