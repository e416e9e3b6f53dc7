"""Runs a page's fences, one after the other, as a reader would."""

import re
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from docs.fences import Fence
from docs.scene import working_folder

LONGEST_SECONDS = 300
ENDPOINT = r"http://(127\.0\.0\.1|localhost):8000\b|graticule\.example\.org|make serve"
"""In a fence that needs the endpoint."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """What pages find: files, programs, and where the servers answer that they speak to."""

    inputs: Path
    data: Path
    """What lies beneath / for every page: ``data`` and ``results``."""
    environment: dict[str, str]
    head: str
    registry: str
    prometheus: Callable[[], str]
    endpoint: Callable[[], str]
    stop_endpoint: Callable[[], None]
    kept: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="grat-page-")))

    def page(self, name: str) -> "Page":
        """Return a new working folder for a page."""
        return Page(scene=self, folder=working_folder(self.inputs, self.kept / re.sub(r"\W+", "-", name)))


@dataclass(kw_only=True, slots=True)
class Page:
    """A page under way: folder, environment and names are kept from fence to fence."""

    scene: Scene
    folder: Path
    said: list[str] = field(default_factory=list)

    def run(self, fence: Fence) -> None:
        """Run a fence; what it says is in the error where it fails."""
        code = self._here(fence.code)
        command = self._python(fence, code) if fence.language == "python" else code
        state = self._beside("state")
        before = f"set -euo pipefail; cd {self.folder}; [ ! -e {state} ] || . {state}"
        done = subprocess.run(
            ["bash", "-c", f"{before}\n{command}\n{{ export -p; echo cd $PWD; }} > {state}"],
            env=self.scene.environment | {"DOCS_CODE": str(self._beside("code.py"))},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LONGEST_SECONDS,
        )
        said = f"{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
        if done.returncode:
            pytest.fail(f"{fence.page}:{fence.line}: exit {done.returncode}\n{code}\n{said}", pytrace=False)
        self.said.append(f"{fence.page}:{fence.line}\n{said}")

    def _here(self, code: str) -> str:
        """Return code with the pages' places in words of this scene."""
        code = code.replace(".venv/bin/", "")
        code = re.sub(r"(?<![\w./:-])/(data|results)\b", rf"{self.scene.data}/\1", code)
        code = code.replace("/opt/graticule/", "").replace("http://127.0.0.1:5000", self.scene.registry)
        code = code.replace("https://graticule.example.org", "http://127.0.0.1:8000")
        code = re.sub(r"http://(HEAD|127\.0\.0\.1|localhost):(8265|PORT)\b", self.scene.head, code)
        if "http://127.0.0.1:9090" in code:
            code = code.replace("http://127.0.0.1:9090", self.scene.prometheus())
        if re.search(ENDPOINT, code):
            code = re.sub(r"http://(127\.0\.0\.1|localhost):8000\b", self.scene.endpoint(), code)
        return code

    def _python(self, fence: Fence, code: str) -> str:
        """Return the command that runs the page's Python up to here: names are kept from fence to fence."""
        file = self._beside("code.py")
        with file.open("a") as written:
            written.write(f"# {fence.page}:{fence.line}\n{code}\n")
        return f"python {file}"

    def _beside(self, name: str) -> Path:
        return self.folder.with_name(f"{self.folder.name}.{name}")
