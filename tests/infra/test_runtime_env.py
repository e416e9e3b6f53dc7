"""A head as compose starts it is healthy as compose asks, and runs the code that is sent with a job."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
import yaml

from composed import FILE, ROOT, SECRETS, filled_in
from local_head import BIN, _free_port
from movies import sintering_tiff

WAIT_SECONDS = 90
RUNTIME_ENV = ROOT / "infra" / "runtime_env.yaml"
SMALL = {"GRATICULE_OBJECT_STORE_BYTES": "100000000", "GRATICULE_HEAD_CPUS": "2"}
SESSIONS = (
    "session_2026-01-30_09-00-00_1_1",
    "session_2026-01-31_09-00-00_1_1",
    "session_2026-02-01_09-00-00_1_1",
)
WHERE = """
import os, graticule, ray, serve
ray.init(logging_level="ERROR")
@ray.remote
def on_a_worker():
    os.chdir("/")
    import graticule.pipeline
    return graticule.pipeline.__file__
print("FOUND", graticule.__file__, serve.__file__, ray.get(on_a_worker.remote()))
"""


@dataclass(frozen=True)
class Head:
    """A running head, and how it is asked."""

    ports: dict[str, int]
    environment: dict[str, str]
    temp: Path

    def submit(self, *command: str, runtime_env: Path | None = None) -> subprocess.CompletedProcess[str]:
        named = ["--runtime-env", str(runtime_env)] if runtime_env else []
        asked = [str(BIN / "ray"), "job", "submit", "--address", f"http://127.0.0.1:{self.ports['8265']}"]
        return subprocess.run(
            [*asked, *named, "--", *command],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def asked(self, port: str, path: str) -> bytes:
        with urlopen(f"http://127.0.0.1:{self.ports[port]}{path}", timeout=10) as answer:
            return bytes(answer.read())

    def applications(self) -> dict:
        """Return what the cluster says of the applications that it serves."""
        bearer = {"Authorization": f"Bearer {Path(self.environment['RAY_AUTH_TOKEN_PATH']).read_text()}"}
        address = f"http://127.0.0.1:{self.ports['8265']}/api/serve/applications/"
        with urlopen(Request(address, headers=bearer), timeout=30) as answer:
            found: dict = json.load(answer)["applications"]
        return found


def node() -> dict:
    text = filled_in(FILE.read_text(), {**SECRETS, **SMALL})
    found: dict = yaml.safe_load(text)["services"]["ray-head"]
    return found


def command(ports: dict[str, int], temp: Path) -> list[str]:
    """Return compose's command with other ports, open to this machine alone, and apart from other Rays."""
    words = [
        word.replace("0.0.0.0", "127.0.0.1").replace("/tmp/ray", str(temp / "ray"))
        for word in node()["command"]
    ]
    moved = [re.sub(r"=(\d+)$", lambda port: f"={ports.get(port[1], port[1])}", word) for word in words]
    apart = ["--node-ip-address=127.0.0.1", f"--temp-dir={temp / 'ray'}"]
    return [*moved, *apart, f"--dashboard-agent-listen-port={ports['52365']}"]


@pytest.fixture(scope="module")
def head() -> Iterator[Head]:
    temp = Path(tempfile.mkdtemp(prefix="grat-"))
    for old in SESSIONS:
        (temp / "ray" / old / "logs").mkdir(parents=True)
    token = temp / "token"
    token.write_text(SECRETS["RAY_AUTH_TOKEN"] * 4)
    ports = {name: _free_port() for name in ("6379", "8265", "8080", "52365")}
    known = {name: value for name, value in os.environ.items() if not name.startswith(("RAY_", "PYTHON"))}
    asked = {**node()["environment"], "RAY_AUTH_TOKEN_PATH": str(token), "GRATICULE_HOME": str(temp / "home")}
    for name in ("MLFLOW_TRACKING_URI", "GRATICULE_SERVE_TOKEN_FILE"):
        asked.pop(name)
    asked |= {"PYTHONPATH": str(ROOT), "RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S": "0"}
    known |= {**asked, "PATH": f"{BIN}{os.pathsep}{known.get('PATH', '')}", "OMP_NUM_THREADS": "1"}
    with (temp / "log").open("wb") as log:
        process = subprocess.Popen(
            command(ports, temp), cwd=temp, env=known, stdout=log, stderr=log, start_new_session=True
        )
    try:
        started = Head(ports=ports, environment=known, temp=temp)
        until = time.monotonic() + WAIT_SECONDS
        while not healthy(started):
            if process.poll() is not None or time.monotonic() > until:
                raise TimeoutError(f"the head did not start: {(temp / 'log').read_text()[-2000:]}")
            time.sleep(0.3)
        yield started
    finally:
        process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=15)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        shutil.rmtree(temp, ignore_errors=True)


def health(name: str) -> tuple[str, str]:
    """Return port and path by which compose asks a service for its health."""
    address = yaml.safe_load(filled_in(FILE.read_text(), SECRETS))["services"][name]["healthcheck"]["test"][
        -1
    ]
    found = re.fullmatch(r"http://127\.0\.0\.1:(\d+)(/.*)", address)
    assert found is not None
    return found[1], found[2]


def healthy(head: Head) -> bool:
    with suppress(OSError):
        return all(b"success" in head.asked(*health(name)) for name in ("ray-head", "worker"))
    return False


@pytest.fixture(scope="module")
def jobs(head) -> dict[str, subprocess.CompletedProcess[str]]:
    """Jobs that ended, submitted at one time: starting one is mostly waiting."""
    stranger = replace(head, environment={**head.environment, "RAY_AUTH_TOKEN": "guessed" * 5})
    with ThreadPoolExecutor() as pool:
        submitted = {
            "brings code": pool.submit(head.submit, "python", "-c", WHERE, runtime_env=RUNTIME_ENV),
            "brings none": pool.submit(head.submit, "pwd"),
            "is a stranger's": pool.submit(stranger.submit, "python", "--version"),
        }
    return {name: job.result() for name, job in submitted.items()}


@pytest.fixture(scope="module")
def uploaded(head, jobs) -> tuple[str, Path]:
    """What a job says of the code that it runs, and the folder that was sent."""
    done = jobs["brings code"]
    assert done.returncode == 0, done.stdout + done.stderr
    folders = head.temp.glob("ray/session_latest/runtime_resources/working_dir_files/*")
    [folder] = [path for path in folders if path.is_dir()]
    return done.stdout, folder.resolve()


def test_ports_ask_for_the_token_but_for_health_and_measures(head):
    for name in ("ray-head", "worker"):
        assert b"success" in head.asked(*health(name))
    with pytest.raises(HTTPError) as refused:
        head.asked("8265", "/api/jobs/")
    assert refused.value.code == 401
    assert head.asked("8080", "/metrics") is not None


def test_prometheus_finds_the_nodes_in_the_file_that_it_shares_with_the_head(head):
    file = head.temp / "ray" / "prom_metrics_service_discovery.json"
    until = time.monotonic() + 60
    while str(head.ports["8080"]) not in ports_in(file) and time.monotonic() < until:
        time.sleep(0.5)
    assert str(head.ports["8080"]) in ports_in(file)
    assert file.resolve().is_relative_to((head.temp / "ray").resolve())


def test_of_the_sessions_before_only_the_last_is_kept(head):
    left = {path.name for path in (head.temp / "ray").glob("session_2*")}
    assert left & set(SESSIONS) == {SESSIONS[-1]}
    assert len(left) == 2


def ports_in(file: Path) -> set[str]:
    """Return the ports of all targets; none while the file is not written."""
    with suppress(OSError, json.JSONDecodeError):
        return {
            target.rpartition(":")[2] for entry in json.loads(file.read_text()) for target in entry["targets"]
        }
    return set()


def test_driver_and_workers_run_the_code_that_was_sent(uploaded):
    said, folder = uploaded
    [line] = [line for line in said.splitlines() if line.startswith("FOUND ")]
    driver, endpoint, worker = map(Path, line.split()[1:])
    assert driver == folder / "platform" / "graticule" / "__init__.py"
    assert worker == folder / "platform" / "graticule" / "pipeline" / "__init__.py"
    assert endpoint == folder / "serve" / "__init__.py"


def test_what_is_sent_is_code_and_the_weights_of_it(uploaded):
    _, folder = uploaded
    assert {path.name for path in folder.iterdir()} == {"jobs", "platform", "serve"}
    # What lies there now was compiled there: nothing knows of the folder it came from.
    compiled = [path for path in folder.rglob("__pycache__/*") if path.is_file()]
    assert [path for path in compiled if str(ROOT).encode() in path.read_bytes()] == []
    assert list(folder.glob("platform/graticule/models/builtin/*.safetensors"))
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < 80e6


def test_a_movie_is_tracked_by_the_code_that_was_sent(head, uploaded):
    movie = sintering_tiff(head.temp / "movie.tif", frames=3, size=96)
    tracked = head.temp / "tracked.ome.zarr"
    job = ["python", "jobs/track_dataset.py", str(movie), "--out", str(tracked), "--segmenter", "threshold"]
    done = head.submit(*job, runtime_env=RUNTIME_ENV)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tracked / "tables" / "particles.parquet").is_file()
    assert (tracked / "report" / "index.html").is_file()


def test_a_job_that_brings_no_code_starts_where_the_head_was_started(head, jobs):
    done = jobs["brings none"]
    assert done.returncode == 0, done.stdout + done.stderr
    assert str(head.temp) in done.stdout.splitlines()


def test_a_job_that_was_not_let_in_says_so(jobs):
    done = jobs["is a stranger's"]
    assert done.returncode != 0
    assert "token" in done.stdout + done.stderr
    assert sys.version.split()[0] not in done.stdout


def test_the_endpoint_is_declared_and_declared_again_with_what_has_changed(head):
    file = head.temp / "serve.yaml"
    config = yaml.safe_load((ROOT / "infra" / "serve.yaml").read_text())
    config["http_options"] = {"host": "127.0.0.1", "port": _free_port()}
    program = [sys.executable, str(ROOT / "infra" / "endpoint.py"), "--config", str(file), "--once"]
    for most in (2, 3):
        config["applications"][0]["args"]["most_replicas"] = most
        file.write_text(yaml.safe_dump(config))
        asked = [*program, "--address", f"http://127.0.0.1:{head.ports['8265']}", "--every", "1"]
        done = subprocess.run(asked, env=head.environment, capture_output=True, text=True, check=True)
        assert done.stdout.splitlines()[-1].startswith("endpoint: declared graticule at http://127.0.0.1:")
        assert head.applications()["graticule"]["deployed_app_config"]["args"]["most_replicas"] == most
