"""What the pages' commands share: one Ray, one registry, one endpoint, one set of small files."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from unittest.mock import patch
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from docs.fences import Fence
from docs.scene import ROOT, prepare, working_folder
from graticule.experiments.server import DATABASE
from local_head import BIN, local_head
from mlflow_home import begin
from random_weights import tiny_swin

STANDINS = Path(__file__).parent / "standins"
TOOLS = """
awk base64 basename bash cat chmod cp cut date diff dirname echo env find grep head id ln ls mkdir
mktemp mv openssl printf
promtool rm sed seq sha256sum sh sleep sort tail tar tee test touch tr true
uniq wc xargs
"""
"""Programs that pages may use beside the stand-ins; all else is not found."""
NOT_OURS = ("MLFLOW_TRACKING_URI", "RAY_ADDRESS", "PYTHONDONTWRITEBYTECODE")
"""A reader has none of them; with the last each of a hundred processes compiles all it imports."""
START_SECONDS = 180.0
"""Under load; on a quiet machine it is a tenth of that."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """Runs a page's fences, one after the other, as a reader would."""

    inputs: Path
    data: Path
    environment: dict[str, str]
    head: str
    registry: str
    prometheus: Callable[[], str]
    endpoint: Callable[[], str]
    kept: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="grat-page-")))

    def page(self, name: str) -> "Page":
        """Return a new working folder for a page."""
        made = working_folder(self.inputs, self.kept / re.sub(r"\W+", "-", name))
        shutil.copytree(self.data, self._beneath(made) / "data")
        return Page(scene=self, folder=made, root=self._beneath(made))

    def _beneath(self, made: Path) -> Path:
        return made.with_name(f"{made.name}-root")


@dataclass(kw_only=True, slots=True)
class Page:
    """A page under way: folder, environment and names are kept from fence to fence."""

    scene: Scene
    folder: Path
    root: Path
    names: dict[str, object] = field(default_factory=dict)

    def run(self, fence: Fence) -> None:
        """Run a fence; what it says is in the error where it fails."""
        code = self._here(fence.code)
        self._python(fence, code) if fence.language == "python" else self._shell(fence, code)

    def _here(self, code: str) -> str:
        """Return code with the pages' places in words of this scene."""
        code = code.replace(".venv/bin/", "")
        code = re.sub(r"(?<![\w./:-])/(data|results)\b", rf"{self.root}/\1", code)
        code = code.replace("/opt/graticule/", "").replace("http://127.0.0.1:5000", self.scene.registry)
        code = code.replace("https://graticule.example.org", "http://127.0.0.1:8000")
        code = re.sub(r"http://(HEAD|127\.0\.0\.1|localhost):(8265|PORT)\b", self.scene.head, code)
        if "http://127.0.0.1:9090" in code:
            code = code.replace("http://127.0.0.1:9090", self.scene.prometheus())
        if re.search(r"http://(127\.0\.0\.1|localhost):8000\b|make serve", code):
            code = re.sub(r"http://(127\.0\.0\.1|localhost):8000\b", self.scene.endpoint(), code)
        return code

    def _shell(self, fence: Fence, code: str) -> None:
        state = self.folder.with_name(f"{self.folder.name}.state")
        before = f"set -euo pipefail; cd {self.folder}; [ ! -e {state} ] || . {state}"
        script = f"{before}\n{code}\n{{ export -p; echo cd $PWD; }} > {state}"
        done = subprocess.run(
            ["bash", "-c", script],
            env=self.scene.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
        )
        said = f"{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
        if done.returncode:
            pytest.fail(f"{fence.page}:{fence.line}: exit {done.returncode}\n{code}\n{said}", pytrace=False)
        print(f"{fence.page}:{fence.line}\n{said}")  # pytest -rP shows it, with the time of each command

    def _python(self, fence: Fence, code: str) -> None:
        os.chdir(self.folder)
        try:
            exec(compile(code, f"{fence.page}:{fence.line}", "exec"), self.names)
        finally:
            os.chdir(ROOT)


@pytest.fixture(scope="session")
def scene(tmp_path_factory) -> Iterator[Scene]:
    """A Ray, a registry, small files; an endpoint from when the first command asks it."""
    folder = tmp_path_factory.mktemp("scene")
    home = begin(folder / "home" / ".graticule")
    own = {"HOME": str(home.parent), "GRATICULE_HOME": str(home), "MPLBACKEND": "agg", "CURL": "curl"}
    os.chdir(ROOT)
    with ExitStack() as stack:
        stack.enter_context(patch.dict(os.environ, own))
        for name in NOT_OURS:
            os.environ.pop(name, None)
        inputs = prepare(folder)
        _registry(inputs)
        head = stack.enter_context(local_head(cpus=2, log=folder / "ray.log"))
        environment = head.environment | {
            "PATH": f"{STANDINS}:{_tools(folder / 'tools')}",
            "RAY_ADDRESS": head.joined_at,
            "DOCS_BIN": str(BIN),
            "DOCS_RAY_TOKEN": head.environment["RAY_AUTH_TOKEN"],
            "DOCS_CURL": shutil.which("curl") or "/usr/bin/curl",
            "DOCS_ROOT": str(ROOT),
            "DOCS_ZYGOTE": str(folder / "zygote"),
        }
        stack.enter_context(_zygote(environment))

        @cache
        def endpoint() -> str:
            environment["DOCS_ENDPOINT"] = stack.enter_context(_endpoint(folder / "endpoint.log"))
            return environment["DOCS_ENDPOINT"]

        @cache
        def prometheus() -> str:
            return stack.enter_context(_prometheus(folder / "prometheus"))

        made = Scene(
            data=folder / "data",
            inputs=inputs,
            environment=environment,
            head=head.address,
            registry=f"sqlite:///{home / DATABASE}",
            prometheus=prometheus,
            endpoint=endpoint,
        )
        yield made
        shutil.rmtree(made.kept, ignore_errors=True)


def _registry(folder: Path) -> None:
    """Register three versions of a small network, as trainings would; the second is champion."""
    from graticule.experiments.champion import set_champion
    from graticule.experiments.register import register
    from graticule.experiments.runs import start
    from graticule.training.registering import packaged

    for seed in range(3):
        weights = tiny_swin(folder.parent / f"{seed}.safetensors", seed=seed)
        register(start("e", "r"), packaged(weights, "swin-unet"), scores={"score": 0.5 + seed / 9})
    set_champion(2)


def _tools(folder: Path) -> Path:
    """Make a folder of the programs that pages may use beside the stand-ins; all else is not found."""
    folder.mkdir()
    (folder / "python3").symlink_to(Path(sys.executable).resolve())  # runs the stand-ins
    for name in TOOLS.split():
        found = shutil.which(name)
        if found:
            (folder / name).symlink_to(found)
    return folder


@contextmanager
def _zygote(environment: dict[str, str]) -> Iterator[None]:
    path = environment["DOCS_ZYGOTE"]
    quiet = ["-W", "ignore::DeprecationWarning"]
    command = [sys.executable, *quiet, str(Path(__file__).with_name("zygote.py")), path]
    with subprocess.Popen(
        command, env=environment | {"PATH": os.environ["PATH"]}, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        try:
            yield
        finally:
            process.terminate()


@contextmanager
def _endpoint(log: Path) -> Iterator[str]:
    """Start the endpoint as the pages do, with ``make serve``, on a port of its own."""
    installed = ["-o", ".venv/.installed", "-o", "pyproject.toml"]
    port = _free_port()
    command = ["make", *installed, "serve", f"PORT={port}", f"BIN={BIN}"]
    with _running(command, log, f"http://127.0.0.1:{port}", "readyz") as url:
        yield url


@contextmanager
def _prometheus(folder: Path) -> Iterator[str]:
    """Start Prometheus with nothing to watch."""
    if shutil.which("prometheus") is None:
        pytest.skip("prometheus is not here; Debian's package is prometheus")
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
