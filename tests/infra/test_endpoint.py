"""The endpoint is declared at the start whatever the cluster knows, later where the cluster has lost it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import IO

import pytest
import yaml

from local_head import _free_port

PROGRAM = Path(__file__).parents[2] / "infra" / "endpoint.py"
TOKEN = "t0ken"
WAIT_SECONDS = 30


class Cluster(ThreadingHTTPServer):
    """Knows applications as a Ray head does, until it forgets them."""

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Answer)
        self.applications: dict[str, dict] = {}
        self.looked: Queue[str] = Queue()
        self.declared: Queue[str] = Queue()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Answer(BaseHTTPRequestHandler):
    server: Cluster

    def do_GET(self) -> None:
        if self._answer({"applications": self.server.applications}):
            self.server.looked.put(self.path)

    def do_PUT(self) -> None:
        config = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self._answer({}):
            self.server.applications = {one["name"]: one for one in config["applications"]}
            self.server.declared.put(self.path)

    def _answer(self, body: dict) -> bool:
        let_in = (
            self.headers["Authorization"] == f"Bearer {TOKEN}" and self.path == "/api/serve/applications/"
        )
        self.send_response(200 if let_in else 401)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())
        return let_in

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def started(port: int = 0) -> Iterator[Cluster]:
    with Cluster(port) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with started() as server:
        yield server


@pytest.fixture
def config(tmp_path) -> Path:
    file = tmp_path / "serve.yaml"
    file.write_text(yaml.safe_dump({"applications": [{"name": "graticule", "args": {"batch": 8}}]}))
    return file


def command(address: str, config: Path, *more: str) -> list[str]:
    return [
        sys.executable,
        str(PROGRAM),
        "--address",
        address,
        "--config",
        str(config),
        "--every",
        "0.1",
        *more,
    ]


def environment(tmp_path: Path) -> dict[str, str]:
    token = tmp_path / "token"
    token.write_text(f"{TOKEN}\n")
    return {"RAY_AUTH_TOKEN_PATH": str(token)}


@contextmanager
def kept_declared(address: str, config: Path, tmp_path: Path) -> Iterator[IO[str]]:
    """Have the program run, and give what it says."""
    asked = command(address, config)
    with subprocess.Popen(asked, env=environment(tmp_path), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout
        process.terminate()


def test_a_cluster_that_knows_an_older_configuration_is_given_the_new_one(cluster, config, tmp_path):
    cluster.applications = {"graticule": {"name": "graticule", "args": {"batch": 1}}}
    asked = command(cluster.address, config, "--once")
    done = subprocess.run(asked, env=environment(tmp_path), capture_output=True, text=True, check=True)
    assert done.stdout == f"endpoint: declared graticule at {cluster.address}\n"
    assert cluster.applications["graticule"]["args"] == {"batch": 8}


def test_later_it_is_declared_where_the_cluster_has_lost_it_and_only_there(cluster, config, tmp_path):
    with kept_declared(cluster.address, config, tmp_path):
        cluster.declared.get(timeout=WAIT_SECONDS)
        for _ in range(3):
            cluster.looked.get(timeout=WAIT_SECONDS)
        assert cluster.declared.empty()
        cluster.applications = {}
        cluster.declared.get(timeout=WAIT_SECONDS)
        assert set(cluster.applications) == {"graticule"}


def test_a_cluster_that_does_not_answer_is_asked_until_it_does(config, tmp_path):
    port = _free_port()
    address = f"http://127.0.0.1:{port}"
    with kept_declared(address, config, tmp_path) as said:
        assert f"{address} does not do it" in said.readline()
        with started(port) as late:
            late.declared.get(timeout=WAIT_SECONDS)


def test_asked_once_it_gives_up_after_a_while_and_says_what_to_look_at(config, tmp_path):
    address = f"http://127.0.0.1:{_free_port()}"
    done = ended(command(address, config, "--once", "--wait", "0.3"), environment(tmp_path))
    assert "trying again" in done.stdout
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert f"{address} does not do it" in done.stderr
    assert "look whether Ray's head runs there" in done.stderr


def test_a_wrong_token_is_said_with_the_answer(cluster, config):
    asked = command(cluster.address, config, "--once", "--wait", "0")
    done = ended(asked, {"RAY_AUTH_TOKEN": "another"})
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "HTTP Error 401" in done.stderr
    assert "another" not in done.stderr + done.stdout


def test_a_token_file_that_is_not_there_is_not_waited_for(cluster, config, tmp_path):
    done = ended(command(cluster.address, config), {"RAY_AUTH_TOKEN_PATH": str(tmp_path / "none")})
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert f"RAY_AUTH_TOKEN_PATH: {tmp_path / 'none'} cannot be read (No such file" in done.stderr


def test_an_address_without_its_scheme_is_refused(config, tmp_path):
    done = ended(command("127.0.0.1:8265", config), environment(tmp_path))
    assert done.returncode == 1
    assert done.stderr == ("endpoint: --address 127.0.0.1:8265 is no address; write http://127.0.0.1:8265\n")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "cannot be read (No such file or directory)"),
        ("applications: [", "cannot be read (while parsing"),
        ("hello", "has no applications with a name"),
        ("applications: [{args: {}}]", "has no applications with a name"),
        ("applications: 3", "has no applications with a name"),
    ],
)
def test_a_configuration_that_is_none_is_refused_in_one_line(text, said, cluster, tmp_path):
    file = tmp_path / "serve.yaml"
    if text is not None:
        file.write_text(text)
    done = ended(command(cluster.address, file), environment(tmp_path))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert f"{file} {said}" in done.stderr
    assert "infra/serve.yaml" in done.stderr


def ended(asked: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        asked, env=environment, capture_output=True, text=True, check=False, timeout=WAIT_SECONDS
    )
