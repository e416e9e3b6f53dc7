"""One day's work, watched: what it wrote, read, said, and where it listened."""

import http.server
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from labelled_images import labelled_folder
from mlflow_home import begin, mlflow_home  # noqa: F401 - a fixture of all tests here
from movies import sintering_tiff
from random_weights import tiny_swin

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
PASSWORD, SIGNATURE = "Pa55-w0rd", "s1gnature0fthe0bjectSt0re"
SECRETS = {
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY",
    "AWS_SESSION_TOKEN": "FwoGZXIvYXdzEBYaDHqa0AP1",
    "GRATICULE_SERVE_TOKEN": "endp0int-t0ken-9f2c",
    "RAY_AUTH_TOKEN": "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    "MLFLOW_TRACKING_PASSWORD": "mlfl0w-passw0rd",
}
"""What an environment holds that nobody but its owner should read."""
ALL = (*SECRETS.values(), PASSWORD, SIGNATURE)


def told(text: str) -> list[str]:
    """Return the secrets that stand in a text."""
    return [secret for secret in ALL if secret in text]


def kept(folder: Path) -> list[tuple[str, str]]:
    """Return files below a folder with a secret in them or in their names."""
    found = []
    for path in sorted(folder.rglob("*")):
        content = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        found += [(str(path), each) for each in ALL if each.encode() in content or each in path.name]
    return found


@dataclass(frozen=True)
class Day:
    """What is left of a day's work."""

    root: Path
    output: str

    @property
    def files(self) -> list[Path]:
        """All files that it wrote, those included that it deleted."""
        own = (self.root / "notes", self.root / "cache")
        return [
            path
            for path in sorted(self.root.rglob("*"))
            if path.is_file() and not path.is_symlink() and not any(path.is_relative_to(part) for part in own)
        ]

    @property
    def unpickled(self) -> list[tuple[str, list[str]]]:
        """What was built from pickles in any process, and by what code, the innermost first."""
        notes = [line for file in (self.root / "notes").iterdir() for line in file.read_text().splitlines()]
        parts = [line.split("\t") for line in notes]
        return [(what, by.split(" < ")) for what, by in parts]

    @property
    def listening(self) -> list[tuple[str, int, str]]:
        """Address, port and process of all that listened on Ray's side."""
        return [tuple(entry) for entry in json.loads((self.root / "listening.json").read_text())]


@contextmanager
def web(folder: Path) -> Iterator[str]:
    """Serve a folder to this machine; yield the address with a user and a password in it."""
    handler = partial(_Ranges, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://lab:{PASSWORD}@127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


class _Ranges(http.server.SimpleHTTPRequestHandler):
    """Answers with a part of a file where one is asked for, as object stores do."""

    def do_GET(self) -> None:
        asked = self.headers.get("Range", "")
        if not asked.startswith("bytes="):
            return super().do_GET()
        content = Path(self.translate_path(self.path)).read_bytes()
        first, _, last = asked.removeprefix("bytes=").partition("-")
        part = content[int(first) : int(last or len(content)) + 1]
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {first}-{int(first) + len(part) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        self.wfile.write(part)
        return None

    def end_headers(self) -> None:
        self.send_header("Accept-Ranges", "bytes")
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


def signed(url: str) -> str:
    """Return an address as object stores hand out."""
    return f"{url}?X-Amz-Credential=lab&X-Amz-Signature={SIGNATURE}"


@pytest.fixture(scope="session")
def labelled(tmp_path_factory) -> Path:
    """Two labelled images."""
    return labelled_folder(tmp_path_factory.mktemp("data") / "labelled", count=2, size=48)


@pytest.fixture(scope="session")
def day(tmp_path_factory) -> Iterator[Day]:
    """A day's work, in small."""
    # Sockets of Ray have names of at most 107 letters.
    root = Path(tempfile.mkdtemp(prefix="grat-day-"))
    away = tmp_path_factory.mktemp("web")
    sintering_tiff(away / "movie.tif", frames=6, size=64)
    tiny_swin(away / "weights.safetensors")
    labelled_folder(root / "labelled", count=3, size=48)
    begin(root / "home")
    for name in ("kept", "notes", "cache", "tmp"):
        (root / name).mkdir()
    try:
        with web(away) as url:
            done = subprocess.run(
                [
                    sys.executable,
                    str(HERE / "everyday.py"),
                    signed(f"{url}/movie.tif"),
                    signed(f"{url}/weights.safetensors"),
                ],
                env=_environment(root),
                cwd=root,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=400,
                check=False,
            )
        assert done.returncode == 0, done.stdout[-6000:]
        yield Day(root=root, output=done.stdout)
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _environment(root: Path) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in ("RAY_ADDRESS", "MLFLOW_TRACKING_URI")
    }
    folders = [HERE / "watch", ROOT, ROOT / "tests"]
    return {
        **kept,
        **SECRETS,
        "RAY_AUTH_MODE": "token",
        "PYTHONPATH": os.pathsep.join(map(str, folders)),
        "GRATICULE_WATCHED": str(root),
        "GRATICULE_HOME": str(root / "home"),
        "GRATICULE_SCAN": "chunked",
        "RAY_TMPDIR": str(root),
        "TMPDIR": str(root / "tmp"),
        "XDG_CACHE_HOME": str(root / "cache"),
        "MPLCONFIGDIR": str(root / "cache"),
        "NUMBA_CACHE_DIR": str(root / "cache"),
    }
