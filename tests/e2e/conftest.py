"""A Ray head for all end-to-end tests: its own, on free ports, stopped by process id."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from graticule.cli import main
from graticule.pipeline.session import ray_session
from local_head import BIN, Head, local_head

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Finished:
    """A command that ended."""

    status: int
    output: str

    @property
    def error_lines(self) -> list[str]:
        """What graticule said was wrong; `ray job submit` prints the log of a failed job twice."""
        lines = [line for line in self.output.splitlines() if line.startswith("graticule: error:")]
        return list(dict.fromkeys(lines))


@dataclass(frozen=True)
class Cluster:
    """A running head, to which jobs are submitted as a user does."""

    head: Head

    def command(self, *arguments: object) -> list[str]:
        """Return the command line that submits jobs/track_dataset.py."""
        submit = [str(BIN / "ray"), "job", "submit", "--address", self.head.address, "--", "python"]
        return [*submit, "jobs/track_dataset.py", *map(str, arguments)]

    def actors(self) -> list[dict[str, Any]]:
        """Return all actors there are or were, as Ray lists them."""
        headers = {"Authorization": f"Bearer {self.head.environment['RAY_AUTH_TOKEN']}"}
        with urlopen(Request(f"{self.head.address}/api/v0/actors?detail=1", headers=headers)) as answer:
            return list(json.load(answer)["data"]["result"]["result"])

    def track(self, *arguments: object, timeout: float = 500) -> Finished:
        """Submit a tracking job, wait for its end."""
        return run(self.command(*arguments), env=self.head.environment, timeout=timeout)


def run(command: list[str], *, env: dict[str, str] | None = None, timeout: float = 300) -> Finished:
    """Run a command in the project's folder."""
    done = subprocess.run(
        command,
        env=env,
        cwd=ROOT,
        timeout=timeout,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        text=True,
    )
    return Finished(done.returncode, done.stdout)


def graticule(*arguments: object, timeout: float = 300) -> Finished:
    """Run the graticule command."""
    return run([str(BIN / "graticule"), *map(str, arguments)], timeout=timeout)


@pytest.fixture(scope="session")
def cluster(tmp_path_factory) -> Iterator[Cluster]:
    """A Ray head with two CPUs."""
    with local_head(cpus=2, log=tmp_path_factory.mktemp("ray") / "ray.log") as head:
        yield Cluster(head)


@pytest.fixture(scope="module")
def ray_here() -> Iterator[None]:
    """A Ray of this process, so that not every command has to start one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("RAY_ADDRESS", raising=False)
        with ray_session(workers=2):
            yield


@pytest.fixture
def command(ray_here, command_without_ray) -> Callable[..., Finished]:
    """The graticule command, in this process."""
    return command_without_ray


@pytest.fixture
def command_without_ray(capsys, caplog) -> Callable[..., Finished]:
    """The graticule command, in this process, for what ends before Ray is needed."""

    def call(*arguments: object) -> Finished:
        caplog.clear()
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return Finished(int(ended.value.code or 0), f"{said.out}{said.err}{caplog.text}")

    return call


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 32 MiB, whose size and mode a test changes by :func:`remount`."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", str(folder)]
    if sys.platform != "linux" or os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting a tmpfs is not permitted here (needs root)")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def remount(disk: Path, options: str) -> None:
    """Mount a small disk again: "ro", or "size=2m"."""
    subprocess.run(["mount", "-o", f"remount,{options}", str(disk)], check=True)
