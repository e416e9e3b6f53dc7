"""A PostgreSQL server of the test's own: Debian's programs, a free port, a folder that is deleted."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

WAIT_SECONDS = 60
_PLACES = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
BIN = _PLACES[-1] if _PLACES else None
needs_postgres = pytest.mark.skipif(BIN is None, reason="no PostgreSQL here; Debian's package is postgresql")


@contextmanager
def postgres(*, user: str, password: str, database: str) -> Iterator[int]:
    """Run a server that asks for the password; yield its port on 127.0.0.1."""
    assert BIN is not None
    folder = Path(tempfile.mkdtemp(prefix="grat-postgres-"))
    # The server refuses to run as root.
    as_user: dict[str, Any] = {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}
    try:
        (folder / "password").write_text(password)
        if as_user:
            for path in (folder, folder / "password"):
                shutil.chown(path, **as_user)
        rules = ["--auth-local=trust", "--auth-host=scram-sha-256", f"--pwfile={folder / 'password'}"]
        init = [str(BIN / "initdb"), "-D", str(folder / "data"), "-U", user, "--no-sync", *rules]
        subprocess.run(init, check=True, stdout=subprocess.DEVNULL, cwd=folder, **as_user)
        port = _free_port()
        settings = ("listen_addresses=127.0.0.1", f"unix_socket_directories={folder}", "fsync=off")
        run = [str(BIN / "postgres"), "-D", str(folder / "data"), "-p", str(port)]
        run += [word for setting in settings for word in ("-c", setting)]
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(run, stdout=log, stderr=log, cwd=folder, **as_user)
        try:
            _wait(folder, user, port, server)
            make = [str(BIN / "createdb"), "-h", str(folder), "-p", str(port), "-U", user, database]
            subprocess.run(make, check=True, cwd=folder, **as_user)
            yield port
        finally:
            server.terminate()
            server.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait(folder: Path, user: str, port: int, server: subprocess.Popen[bytes]) -> None:
    ask = [str(BIN / "pg_isready"), "-q", "-h", str(folder), "-p", str(port), "-U", user]  # type: ignore[operator]
    until = time.monotonic() + WAIT_SECONDS
    while subprocess.run(ask, check=False).returncode != 0:
        if server.poll() is not None or time.monotonic() > until:
            raise TimeoutError(f"PostgreSQL did not start: {(folder / 'log').read_text()[-1000:]}")
        time.sleep(0.1)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
