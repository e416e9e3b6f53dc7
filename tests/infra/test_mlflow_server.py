"""MLflow as compose starts it, on a real PostgreSQL and a real S3 server, asked by graticule's own code."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import boto3
import numpy as np
import psycopg2
import pytest
from safetensors.numpy import save_file

from buckets import s3_server
from composed import ROOT, SECRETS, service
from dockerfiles import environment
from graticule.core.errors import ConfigError
from graticule.experiments.champion import champion, set_champion
from graticule.experiments.models import fetch
from graticule.experiments.register import Package, register
from graticule.experiments.runs import find, start
from graticule.models.weights import locate
from postgres import needs_postgres, postgres

__all__ = ["s3_server"]

pytestmark = needs_postgres
WAIT_SECONDS = 120
KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL", "AWS_DEFAULT_REGION")


@dataclass(frozen=True)
class Stack:
    """What compose would have started: where the server answers, and what lies behind it."""

    port: int
    database: str
    store: dict[str, str]

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def rows(self, query: str) -> list[tuple]:
        connection = psycopg2.connect(self.database)
        try:
            with connection.cursor() as cursor:
                cursor.execute(query)
                return cursor.fetchall()
        finally:
            connection.close()

    def objects(self) -> set[str]:
        known = {
            "endpoint_url": self.store["AWS_ENDPOINT_URL"],
            "region_name": self.store["AWS_DEFAULT_REGION"],
        }
        keys = {"aws_access_key_id": "s3-access", "aws_secret_access_key": "s3-secret"}
        client = boto3.client("s3", **known, **keys)
        return {entry["Key"] for entry in client.list_objects_v2(Bucket="mlflow").get("Contents", ())}


@pytest.fixture(scope="module")
def stack(s3_server, tmp_path_factory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("mlflow")
    with postgres(user="mlflow", password=SECRETS["POSTGRES_PASSWORD"], database="mlflow") as database_port:
        places = {
            "@postgres:5432": f"@127.0.0.1:{database_port}",
            "http://store:8333": s3_server,
        }
        port = free_port()
        variables = {**environment("mlflow"), **service("mlflow")["environment"]}
        asked = {name: replaced(value, places) for name, value in variables.items() if name != "PATH"}
        known = {**os.environ, **asked, "PYTHONPATH": ""}
        store = {name: asked[name] for name in KEYS}
        made = here(service("bucket")["command"])
        bucket = replaced_all(service("bucket")["environment"], places)
        for said in ("was made", "is there"):
            done = subprocess.run(
                made, cwd=ROOT, env={**os.environ, **bucket}, capture_output=True, text=True, check=True
            )
            assert f"mlflow {said}" in done.stdout
        command = here(on_port(service("mlflow")["command"], port))
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                command, cwd=folder, env=known, stdout=log, stderr=log, start_new_session=True
            )
        try:
            wait(f"http://127.0.0.1:{port}/health", server, folder / "log")
            yield Stack(
                port=port,
                database=asked["MLFLOW_BACKEND_STORE_URI"].replace("+psycopg2", ""),
                store=store,
            )
        finally:
            with suppress(ProcessLookupError):
                os.killpg(server.pid, 15)
            server.wait()


@pytest.fixture
def client(stack, tmp_path, monkeypatch) -> None:
    """The environment of who asks: the server's address, a home of its own, and no key."""
    for name in [*KEYS, "MLFLOW_REGISTRY_URI", "AWS_PROFILE"]:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", stack.address)
    monkeypatch.setenv("GRATICULE_HOME", str(tmp_path / "home"))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def here(command: list[str]) -> list[str]:
    """Return a command with its program as it is called here."""
    return [str(Path(sys.executable).with_name(command[0])), *command[1:]]


def on_port(command: list[str], port: int) -> list[str]:
    """Return the command with another port, and open to this machine alone."""
    return [re.sub(r"\b5000\b", str(port), word).replace("0.0.0.0", "127.0.0.1") for word in command]


def replaced(text: str, places: dict[str, str]) -> str:
    for place, instead in places.items():
        text = text.replace(place, instead)
    return text.strip()


def replaced_all(values: dict[str, str], places: dict[str, str]) -> dict[str, str]:
    return {name: replaced(value, places) for name, value in values.items()}


def wait(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + WAIT_SECONDS
    while server.poll() is None and time.monotonic() < until:
        with suppress(OSError), urlopen(address, timeout=5):
            return
        time.sleep(0.2)
    raise TimeoutError(f"MLflow did not start: {log.read_text()[-2000:]}")


def status(stack: Stack, host: str, path: str = "/api/2.0/mlflow/experiments/search?max_results=1") -> int:
    try:
        with urlopen(Request(stack.address + path, headers={"Host": host}), timeout=20) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code


def weights_file(folder: Path, value: float) -> Path:
    path = folder / f"{value}.safetensors"
    save_file({"w": np.full(3, value, np.float32)}, path)
    return path


def test_the_server_answers_by_the_name_that_compose_gives_it_and_by_no_other(stack):
    assert status(stack, f"mlflow:{stack.port}") == 200
    assert status(stack, f"localhost:{stack.port}") == 200
    assert status(stack, "elsewhere.example.org") == 403
    assert status(stack, "any.name", "/health") == 200


def test_a_run_is_kept_in_postgresql_and_its_files_in_the_bucket(stack, client, tmp_path):
    run = start("postgres", "first", params={"epochs": 3, "crop": {"size": 64}})
    run.metrics(1, {"iou": 0.5})
    run.metrics(2, {"iou": 0.75})
    run.artifact(b"picture", "samples/epoch_002.png")
    (tmp_path / "card.md").write_text("what it is")
    run.artifact(tmp_path / "card.md", "card.md")
    run.finish()

    where = f"run_uuid = '{run.run_id}'"
    assert stack.rows(f"select name, status from runs where {where}") == [("first", "FINISHED")]
    assert set(stack.rows(f"select key, value from params where {where}")) == {
        ("epochs", "3"),
        ("crop.size", "64"),
    }
    assert set(stack.rows(f"select step, value from metrics where {where}")) == {(1, 0.5), (2, 0.75)}
    kept = {key.partition(f"{run.run_id}/artifacts/")[2] for key in stack.objects()}
    assert {"samples/epoch_002.png", "card.md"} <= kept

    again = find(run.run_id)
    assert again is not None
    assert again.steps("iou") == [1, 2]


def test_the_champion_is_fetched_from_the_bucket_without_a_key_of_it(stack, client, tmp_path):
    run = start("registry", "trained")
    code = ROOT / "platform" / "graticule" / "training" / "served_model.py"
    for value, score in ((1.0, 0.5), (2.0, 0.75)):
        package = Package(weights=weights_file(tmp_path, value), code=code, network="swin-unet")
        entry = register(run, package, scores={"iou": score})
        set_champion(entry.version, why="higher iou")
    run.finish()

    found = champion()
    assert (found.network, found.weights) == ("swin-unet", "models:/graticule-segmenter/2")
    assert locate("swin-unet", found.weights).read_bytes() == (tmp_path / "2.0.safetensors").read_bytes()
    assert [path.name for path in fetch(found.weights).rglob("*.safetensors")] == ["swin-unet.safetensors"]
    assert len([key for key in stack.objects() if key.endswith("/swin-unet.safetensors")]) == 2
    aliases = "select alias, version from registered_model_aliases where name = 'graticule-segmenter'"
    assert stack.rows(aliases) == [("champion", 2)]


def test_who_has_the_wrong_password_is_not_let_into_the_database(stack):
    with pytest.raises(psycopg2.OperationalError, match="password"):
        psycopg2.connect(stack.database.replace("postgres-password", "guessed"))


def test_a_bucket_in_a_store_that_is_away_is_said_in_one_line(stack):
    away = {**stack.store, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{free_port()}"}
    command = [*here(service("bucket")["command"]), "--wait", "0"]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **away}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert f"{away['AWS_ENDPOINT_URL']} did not make mlflow" in done.stderr


def test_a_server_that_is_gone_is_named(client, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(ConfigError, match="does not answer"):
        champion()
