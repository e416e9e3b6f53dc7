"""No secret that graticule is given stands in what it says, writes or keeps."""

from pathlib import Path

import pytest

from graticule.core.errors import ConfigError
from graticule.experiments.server import asking
from typed import typed

from .conftest import PASSWORD, SECRETS, SIGNATURE, kept, signed, told

NOWHERE = f"http://lab:{PASSWORD}@127.0.0.1:1"
MOVIE = signed(f"{NOWHERE}/movie.tif")
WEIGHTS = signed(f"{NOWHERE}/weights.safetensors")
REGISTRIES = {
    "server": f"http://lab:{PASSWORD}@127.0.0.1:1",
    "no such kind": f"mlflo://lab:{PASSWORD}@127.0.0.1:1",
}


@pytest.fixture
def secretive(mlflow_home, monkeypatch) -> Path:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    return mlflow_home


COMMANDS = {
    "movie": ["track", MOVIE, "--out", "{out}"],
    "movies": ["track", MOVIE, signed(f"{NOWHERE}/b.tif"), "--out", "{out}"],
    "glob": ["track", f"{NOWHERE}/*.tif", "--out", "{out}"],
    "out": ["simulate", f"{NOWHERE}/a.ome.zarr", "--frames", "1"],
    "ingest": ["ingest", MOVIE, "--out", "{out}"],
    "weights": ["segment", "{images}", "--out", "{out}", "--segmenter", "swin-unet", "--weights", WEIGHTS],
    "weights twice": [
        "track",
        "{images}",
        "--out",
        "{out}",
        "--weights",
        WEIGHTS,
        "--option",
        f"weights={WEIGHTS}",
    ],
    "weights of none": [
        "track",
        "{images}",
        "--out",
        "{out}",
        "--segmenter",
        "threshold",
        "--weights",
        WEIGHTS,
    ],
    "start": [
        "train",
        "--model",
        "vmamba",
        "--data",
        "{data}",
        "--out",
        "{out}",
        "--start",
        WEIGHTS,
        "--no-register",
    ],
    "data": ["train", "--model", "vmamba", "--data", NOWHERE, "--out", "{out}", "--no-register"],
    "compare": ["compare", "--data", signed(NOWHERE), "--models", f"swin-unet={WEIGHTS}", "--out", "{out}"],
    "convert": ["models", "convert", WEIGHTS],
    "evaluate": ["evaluate", f"{NOWHERE}/a", f"{NOWHERE}/b"],
    "export": ["export", f"{NOWHERE}/a.ome.zarr", "{out}", "--to", "csv"],
    "report": ["report", f"{NOWHERE}/a.ome.zarr"],
    "register": ["models", "register", f"{NOWHERE}/trained"],
    "usage": ["track", MOVIE, "--out", "{out}", "--average", f"{NOWHERE}"],
    "no such address": [
        "track",
        f"http://lab:{PASSWORD}@host.invalid/a.tif?sig={SIGNATURE}",
        "--out",
        "{out}",
    ],
    "no such protocol": ["track", f"htp://lab:{PASSWORD}@host/a.tif?sig={SIGNATURE}", "--out", "{out}"],
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_a_command_that_fails_at_an_address_does_not_tell_its_keys(
    secretive, labelled, tmp_path, capsys, caplog, command
):
    places = {"data": labelled, "images": labelled / "images", "out": tmp_path / "out"}
    done = typed(*(part.format(**places) for part in command), capsys=capsys, caplog=caplog)
    assert done.status in (1, 2), done
    assert done.err.strip(), "nothing was said"
    assert told(done.out + done.err) == []
    assert kept(tmp_path) == []


@pytest.mark.parametrize(
    "command", [["models", "champion"], ["segment", "{images}", "--out", "{out}", "--segmenter", "champion"]]
)
@pytest.mark.parametrize("registry", REGISTRIES.values(), ids=REGISTRIES)
def test_a_registry_that_does_not_answer_is_named_without_its_password(
    secretive, labelled, tmp_path, monkeypatch, capsys, caplog, registry, command
):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", registry)
    places = {"images": labelled / "images", "out": tmp_path / "out"}
    done = typed(*(part.format(**places) for part in command), capsys=capsys, caplog=caplog)
    assert done.status == 1, done
    assert "127.0.0.1:1" in done.err
    assert told(done.out + done.err) == []


def test_a_database_that_refuses_is_named_without_its_password(secretive, monkeypatch):
    """As MLflow meets it, which tries again for a minute and a half."""
    import sqlalchemy

    uri = f"postgresql+psycopg2://lab:{PASSWORD}@127.0.0.1:1/mlflow"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    with (
        pytest.raises(ConfigError, match=r"postgresql.*:1/mlflow does not answer") as raised,
        asking(),
    ):
        sqlalchemy.create_engine(uri).connect()
    assert told(str(raised.value)) == []


def test_an_object_store_that_refuses_is_named_without_its_keys(
    secretive, tmp_path, monkeypatch, capsys, caplog
):
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://lab:{PASSWORD}@127.0.0.1:1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    done = typed("ingest", "s3://bucket/a.tif", "--out", tmp_path / "out", capsys=capsys, caplog=caplog)
    assert done.status == 1, done
    assert told(done.out + done.err) == []


def test_an_endpoint_that_is_told_of_a_champion_learns_its_token_and_the_user_does_not(capsys, monkeypatch):
    from graticule.cli import promote

    monkeypatch.setenv("GRATICULE_SERVE_TOKEN", SECRETS["GRATICULE_SERVE_TOKEN"])
    with pytest.raises(Exception, match="does not answer as an endpoint") as raised:
        promote._refreshed(NOWHERE)
    assert told(str(raised.value)) == []
