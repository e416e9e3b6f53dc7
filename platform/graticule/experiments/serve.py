"""MLflow's own server on the database in a home, for as long as somebody looks at it."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO
from urllib.request import urlopen

from graticule.core.ending import ended_by_signals
from graticule.core.errors import ConfigError, StorageError
from graticule.experiments.home import home
from graticule.experiments.server import ARTIFACTS, DATABASE

LOG = "mlflow.log"
START_SECONDS, END_SECONDS = 90.0, 10.0
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
# It would start seven more processes, for what graticule does not use; nobody is told that it runs.
_ENVIRONMENT = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}


def serve(*, host: str, port: int, folder: Path | None = None, ready: Callable[[str], None]) -> None:
    """Run the server until it is interrupted or told to end.

    Where only this machine can reach it, runs keep their files by path, so that jobs find them
    with and without the server; else files go through the server.

    Args:
        host: Address to listen at.
        port: To listen at.
        folder: Home; by default ``$GRATICULE_HOME``.
        ready: Called with the server's address as soon as it answers.

    Raises:
        ConfigError: If it cannot listen there, or does not start.
        StorageError: If the folder cannot be written.
    """
    where = (folder or home()).expanduser().absolute()
    _check_free(host, port)
    try:
        (where / ARTIFACTS).mkdir(parents=True, exist_ok=True)
        log = (where / LOG).open("wb")
    except OSError as error:
        raise StorageError(
            f"{where}: the home cannot be written ({error.strerror}); give another --home"
        ) from error
    command = _command(where, host, port)
    with log, suppress(KeyboardInterrupt), ended_by_signals(), _server(command, log) as process:
        address = _address(host, port)
        _wait(process, address, where / LOG)
        ready(address)
        raise ConfigError(f"MLflow's server ended by itself, status {process.wait()}; see {where / LOG}")


def is_local(host: str) -> bool:
    """Whether only this machine can reach an address."""
    return host in _LOOPBACK


def _command(where: Path, host: str, port: int) -> list[str]:
    files = str(where / ARTIFACTS)
    local = ["--default-artifact-root", files] if is_local(host) else []
    return [
        *(sys.executable, "-m", "mlflow", "server", "--workers", "1"),
        *("--host", host, "--port", str(port)),
        *("--backend-store-uri", f"sqlite:///{where / DATABASE}"),
        *("--artifacts-destination", files, *local),
    ]


def _check_free(host: str, port: int) -> None:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family, socket.SOCK_STREAM) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind((host, port))
    except OSError as error:
        raise ConfigError(
            f"cannot listen at {host}, port {port} ({error.strerror or error}); give another --port or --host"
        ) from None


def _address(host: str, port: int) -> str:
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "::1": "[::1]"}.get(host, host)
    return f"http://{shown}:{port}"


@contextmanager
def _server(command: list[str], log: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """Yield the running server; it and all that it started have ended after the block."""
    # A session of its own: Ctrl-C reaches this process alone, which then ends all of the server.
    process = subprocess.Popen(
        command,
        env={**os.environ, **_ENVIRONMENT},
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    for how in (signal.SIGTERM, signal.SIGKILL):
        until = time.monotonic() + END_SECONDS
        with suppress(ProcessLookupError):
            os.killpg(process.pid, how)
            while time.monotonic() < until:
                process.poll()
                os.killpg(process.pid, 0)  # raises once all of the group are gone
                time.sleep(0.05)
            continue
        break
    process.wait()


def _wait(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    """Wait until the server answers.

    Raises:
        ConfigError: If it ends first, or takes too long.
    """
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            lines = log.read_text(errors="replace").strip().splitlines()
            said = lines[-1][:200] if lines else f"status {process.returncode}"
            raise ConfigError(f"MLflow's server did not start ({said}); see {log}")
        with suppress(OSError), urlopen(f"{address}/health", timeout=5):
            return
        time.sleep(0.2)
    raise ConfigError(f"MLflow's server did not answer within {START_SECONDS:.0f} s; see {log}")
