"""Submit a job and watch the memory of everything below its Ray head."""

import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from local_head import BIN, Head

EVERY_S = 0.25


@dataclass(frozen=True, kw_only=True, slots=True)
class Watched:
    """How a job went: seconds by the clock, and peaks in MiB.

    ``processes`` is the largest sum of proportional set sizes over workers and driver,
    less the idle head's; ``store`` the object store's high-water mark.
    """

    status: int
    output: str
    seconds: float
    processes: float
    store: float

    @property
    def total(self) -> float:
        """Both peaks together."""
        return self.processes + self.store


def watch(head: Head, *arguments: object) -> Watched:
    """Submit jobs/track_dataset.py with ``arguments`` to an idle head and wait for its end."""
    time.sleep(5)
    idle, raylet = _proportional_mib(head.pid), _raylet(head.pid)
    command = [
        BIN / "ray",
        "job",
        "submit",
        "--address",
        head.address,
        "--",
        "python",
        "jobs/track_dataset.py",
    ]
    start = time.perf_counter()
    job = subprocess.Popen(
        [*map(str, command), *map(str, arguments)],
        env=head.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    processes, store = 0.0, 0.0
    while job.poll() is None:
        processes = max(processes, _proportional_mib(head.pid) - idle)
        store = max(store, _object_store_mib(raylet))
        time.sleep(EVERY_S)
    seconds = time.perf_counter() - start
    output = job.communicate()[0]
    return Watched(status=job.returncode, output=output, seconds=seconds, processes=processes, store=store)


def _proportional_mib(pid: int) -> float:
    return sum(_pss_kib(process) for process in _tree(pid)) / 1024


def _tree(pid: int) -> Iterator[int]:
    yield pid
    for child in psutil.Process(pid).children(recursive=True):
        yield child.pid


def _pss_kib(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:")), 0)


def _object_store_mib(raylet: int) -> float:
    """Shared memory the raylet has touched: pages of the object store once used stay mapped."""
    status = Path(f"/proc/{raylet}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("RssShmem")) / 1024


def _raylet(pid: int) -> int:
    names = {child: Path(f"/proc/{child}/comm").read_text().strip() for child in _tree(pid)}
    return next(child for child, name in names.items() if name == "raylet")
