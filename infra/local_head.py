"""A Ray head of one's own on this machine: free ports, own folder, stopped by process id."""

import ctypes
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

BIN = Path(sys.executable).parent
START_SECONDS = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Head:
    """A running head: where jobs are submitted, where programs join, and the environment to do it with."""

    address: str
    joined_at: str
    environment: dict[str, str]
    pid: int
    folder: Path

    def submit(self, *command: str) -> int:
        """Submit a job, follow its output, return its exit status."""
        submit = [str(BIN / "ray"), "job", "submit", "--address", self.address, "--", *command]
        return subprocess.run(submit, env=self.environment, check=False).returncode


@contextmanager
def local_head(*, cpus: int, log: Path) -> Iterator[Head]:
    """Start a head that only this machine's user can reach, stop it at the end.

    Raises:
        RuntimeError: If it does not answer within a minute; names the log.
    """
    private = tempfile.mkdtemp(prefix="grat-")
    # Ray opens the folder it is given to everybody.
    temp = Path(private) / "ray"
    environment = _environment()
    port, dashboard = _free_port(), _free_port()
    with log.open("wb") as output:
        process = subprocess.Popen(
            _command(port, dashboard, cpus, temp),
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_end_with_parent if sys.platform == "linux" else None,
        )
    try:
        address = f"http://127.0.0.1:{dashboard}"
        _wait(address, process, environment, log)
        joined_at = f"127.0.0.1:{port}"
        yield Head(
            address=address,
            joined_at=joined_at,
            environment=environment,
            pid=process.pid,
            folder=temp,
        )
    finally:
        _stop(process)
        shutil.rmtree(private, ignore_errors=True)


def _environment() -> dict[str, str]:
    # A job may run whatever it likes, so even on loopback submitting needs a secret.
    token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    kept = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}
    path = f"{BIN}{os.pathsep}{kept.get('PATH', '')}"
    quiet = {"RAY_USAGE_STATS_ENABLED": "0", "PYTHONUNBUFFERED": "1"}
    # There is no other node that tasks could move to.
    ended = {"RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S": "0"}
    return {**kept, **token, **quiet, **ended, "PATH": path}


def _command(port: int, dashboard: int, cpus: int, temp: Path) -> list[str]:
    return [
        str(BIN / "ray"),
        "start",
        "--head",
        "--block",
        "--disable-usage-stats",
        "--node-ip-address=127.0.0.1",
        f"--port={port}",
        "--dashboard-host=127.0.0.1",
        f"--dashboard-port={dashboard}",
        f"--ray-client-server-port={_free_port()}",
        f"--dashboard-agent-listen-port={_free_port()}",
        f"--num-cpus={cpus}",
        f"--object-store-memory={256 * 2**20}",
        f"--temp-dir={temp}",
    ]


def _end_with_parent() -> None:
    """Ask the kernel to end the head when what started it is killed and cannot."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGTERM)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(address: str, process: subprocess.Popen[bytes], environment: dict[str, str], log: Path) -> None:
    headers = {"Authorization": f"Bearer {environment['RAY_AUTH_TOKEN']}"}
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urlopen(Request(f"{address}/api/jobs/", headers=headers), timeout=2):
                return
        except (URLError, OSError):
            time.sleep(0.3)
    raise RuntimeError(f"the local Ray head did not start; its log is {log}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=15)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
