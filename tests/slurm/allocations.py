"""Jobs of graticule on allocations of this machine, by the stand-ins of Slurm."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
SCRIPT = "infra/slurm/graticule.sbatch"
STANDINS = Path(__file__).parent / "standins"
SECONDS = 120


@dataclass(frozen=True, kw_only=True)
class Job:
    """A batch job that was submitted."""

    name: str
    waiting: subprocess.Popen[str]
    log: Path
    cluster: "Cluster"

    def said(self) -> str:
        """Return what is in its log."""
        return self.log.read_text() if self.log.is_file() else ""

    def wait_for(self, what: str) -> str:
        """Return the log once it holds this."""
        wait_until(lambda: what in self.said() or self.waiting.poll() is not None, what)
        assert what in self.said(), self.said()
        return self.said()

    def status(self) -> int:
        """Wait for its end, return its exit status."""
        return self.waiting.wait(timeout=SECONDS)

    def errors(self) -> list[str]:
        """Return what the script said was wrong."""
        said = re.findall(r"^graticule\.sbatch: (.*)$", self.said(), re.MULTILINE)
        return [line for line in said if not line.startswith(("job ", "dashboard: ", "joined: "))]

    def processes(self) -> list[psutil.Process]:
        """Return those that were started in this allocation and still run."""
        return [process for process in psutil.process_iter() if self._is_of(process)]

    def folders(self) -> list[Path]:
        """Return the folders that the job has on its nodes."""
        return list(self.cluster.scratch.glob(f"ray.{self.name}.*"))

    def assert_nothing_is_left(self) -> None:
        """All processes end within seconds, all folders are gone."""
        wait_until(lambda: not self.processes(), "the end of all processes", seconds=10)
        assert self.folders() == []

    def _is_of(self, process: psutil.Process) -> bool:
        with suppress(psutil.Error):
            given = process.environ()
            mine = given.get("SLURM_STANDINS") == str(self.cluster.state)
            return mine and given.get("SLURM_JOB_ID") == self.name and process.status() != "zombie"
        return False


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """Stand-ins with folders of their own."""

    state: Path
    scratch: Path
    logs: Path

    def submit(self, *words: object, nodes: int = 1, **environment: str) -> Job:
        """Run ``sbatch`` with this job, one CPU on each node."""
        options = ["--wait", f"--output={self.logs}/%j.log", f"--nodes={nodes}", "--cpus-per-task=1"]
        waiting = subprocess.Popen(
            ["sbatch", *options, "--mem=2G", SCRIPT, *map(str, words)],
            cwd=ROOT,
            env={**self.environment(), **environment},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert waiting.stdout is not None
        name = waiting.stdout.readline().split()[-1]
        return Job(name=name, waiting=waiting, log=self.logs / f"{name}.log", cluster=self)

    def run_script(self, *words: object, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the script itself as on a node of Slurm: for what ends before Ray is needed."""
        granted = {"SLURM_JOB_ID": "1", "SLURM_JOB_NODELIST": "node1", "SLURM_MEM_PER_NODE": "1024"}
        return subprocess.run(
            ["bash", SCRIPT, *map(str, words)],
            cwd=ROOT,
            env={**self.environment(), **granted, **environment},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    def cancel(self, job: Job) -> None:
        """Run ``scancel``."""
        subprocess.run(["scancel", job.name], env=self.environment(), check=True, timeout=SECONDS)

    def environment(self) -> dict[str, str]:
        """Return that of a user who has logged in."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("RAY_", "SLURM_"))}
        return {
            **kept,
            "PATH": f"{STANDINS}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}",
            "SLURM_STANDINS": str(self.state),
            "GRATICULE_SCRATCH": str(self.scratch),
            "GRATICULE_RAY_LOGS": str(self.logs / "ray"),
            "GRATICULE_OBJECT_STORE_MIB": "128",
            "OMP_NUM_THREADS": "1",
        }


def wait_until(come: Callable[[], bool], what: str, *, seconds: float = SECONDS) -> None:
    """Wait until something has come, look ten times a second."""
    deadline = time.monotonic() + seconds
    while not come():
        assert time.monotonic() < deadline, f"{what} did not come within {seconds} s"
        time.sleep(0.1)


def command_lines() -> Iterator[str]:
    """Yield those of all processes that this user may see."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            yield " ".join(process.cmdline())
