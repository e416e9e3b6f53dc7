"""The servers that pages speak to, and the programs that they find."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from docs.fences import ROOT
from local_head import BIN

TOOLS = """
awk base64 basename bash cat chmod cp cut date diff dirname echo env find grep head id ln ls mkdir mktemp mv
openssl printf promtool rm sed seq sha256sum sh sleep sort tail tar tee test touch tr true uniq wc xargs
"""
"""Programs that pages may use beside the stand-ins; all else is not found."""
START_SECONDS = 180.0
"""Under load; on a quiet machine it is a tenth of that."""


def tools(folder: Path) -> Path:
    """Make a folder of the programs that pages may use beside the stand-ins."""
    folder.mkdir()
    (folder / "python3").symlink_to(Path(sys.executable).resolve())  # runs the stand-ins
    for name in TOOLS.split():
        found = shutil.which(name)
        if found:
            (folder / name).symlink_to(found)
    return folder


@contextmanager
def zygote(path: str, environment: dict[str, str]) -> Iterator[None]:
    """Start what commands fork from (``zygote.py``); Ray takes its token when it is imported."""
    quiet = ["-W", "ignore::DeprecationWarning"]
    command = [sys.executable, *quiet, str(Path(__file__).with_name("zygote.py")), path]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        try:
            yield
        finally:
            process.terminate()


@contextmanager
def endpoint(log: Path) -> Iterator[str]:
    """Start the endpoint as the pages do, with ``make serve``, on a port of its own."""
    installed = ["-o", ".venv/.installed", "-o", "pyproject.toml"]
    port = _free_port()
    command = ["make", *installed, "serve", f"PORT={port}", f"BIN={BIN}"]
    with _running(command, log, f"http://127.0.0.1:{port}", "readyz") as url:
        yield url


@contextmanager
def prometheus(folder: Path) -> Iterator[str]:
    """Start Prometheus with nothing to watch."""
    folder.mkdir()
    (folder / "nothing.yml").write_text("global: {}\n")
    port = _free_port()
    where = [f"--web.listen-address=127.0.0.1:{port}", f"--storage.tsdb.path={folder / 'data'}"]
    command = ["prometheus", f"--config.file={folder / 'nothing.yml'}", *where]
    with _running(command, folder / "log", f"http://127.0.0.1:{port}", "-/ready") as url:
        yield url


@contextmanager
def _running(command: list[str], log: Path, url: str, ready: str) -> Iterator[str]:
    """Run a server until the end; it must answer at ``ready`` before."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output, start_new_session=True)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not _answers(f"{url}/{ready}"):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.3)
        yield url
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(60)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False
