"""What the machine has, and whether the codecs that graticule relies on work on it."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from graticule.cli.doctor.finding import Finding, problem
from graticule.core.errors import GraticuleError
from graticule.experiments.home import home

_GIB = 2**30
_LEAST_DISK_BYTES = _GIB
_LEAST_SHARED_BYTES = 256 * 2**20  # of a local Ray's object store
_SHARED = Path("/dev/shm")
_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


def machine() -> Iterator[Finding]:
    """Yield processors, memory, disks, cards and codecs."""
    yield Finding(name="CPUs", found=str(_cores()))
    yield _memory()
    if _SHARED.is_dir():
        yield _shared()
    yield _home()
    yield _disk("disk for Ray", Path(tempfile.gettempdir()), "set TMPDIR to a larger disk")
    yield from _computing()
    yield _tried("video", _video)
    yield _tried("zarr codecs", _codecs)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _memory() -> Finding:
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = min(filter(None, map(_limit, _LIMITS)), default=whole)
    said = f", {limit / _GIB:.1f} GiB for this container or job" if limit < whole else ""
    return Finding(name="memory", found=f"{whole / _GIB:.0f} GiB{said}")


def _limit(file: Path) -> int | None:
    try:
        return int(file.read_text())
    except (OSError, ValueError):  # no such file, or "max"
        return None


def _shared() -> Finding:
    size = shutil.disk_usage(_SHARED).total
    found = f"{size / _GIB:.1f} GiB in {_SHARED}"
    if size < _LEAST_SHARED_BYTES:
        return problem("shared memory", f"{found}, Ray needs 0.25", "start the container with --shm-size=1g")
    return Finding(name="shared memory", found=found)


def _home() -> Finding:
    folder, remedy = home(), "set GRATICULE_HOME to a folder of your own"
    there = next(part for part in (folder, *folder.parents) if part.exists())
    if not there.is_dir() or not os.access(there, os.W_OK):
        return problem("GRATICULE_HOME", f"{folder} cannot be written to", remedy)
    return _disk("GRATICULE_HOME", there, remedy, shown=folder)


def _disk(name: str, folder: Path, remedy: str, *, shown: Path | None = None) -> Finding:
    free = shutil.disk_usage(folder).free
    found = f"{shown or folder}, {free / _GIB:.1f} GiB free"
    if free < _LEAST_DISK_BYTES:
        return problem(name, found, f"make room, or {remedy}")
    return Finding(name=name, found=found)


def _computing() -> Iterator[Finding]:
    from graticule.models.learned.graphics import graphics
    from graticule.models.selective_scan.backends import available, chosen

    seen = graphics()
    if seen.hidden:
        yield problem(
            "GPU",
            f"the system has an NVIDIA driver, but torch, built for CUDA {seen.cuda}, sees no card",
            "update the driver, look at CUDA_VISIBLE_DEVICES, or give the container the card (--gpus all)",
        )
    elif seen.cards:
        yield Finding(name="GPU", found=f"{'; '.join(seen.cards)}; CUDA {seen.cuda}")
    else:
        yield Finding(name="GPU", found="none: networks compute on the CPU", state="absent")
    device = "cuda" if seen.cards else "cpu"
    try:
        used = chosen("auto", device)
    except GraticuleError as error:
        yield problem("selective scan", error)
    else:
        others = ", ".join(name for name in available(device) if name != used)
        yield Finding(name="selective scan", found=f"{used} on {device} (also: {others})")


def _tried(name: str, attempt: Callable[[Path], Finding]) -> Finding:
    try:
        with tempfile.TemporaryDirectory(prefix="graticule-doctor-") as folder:
            return attempt(Path(folder))
    except (GraticuleError, OSError, ValueError) as error:
        return problem(name, error)


def _video(folder: Path) -> Finding:
    from graticule.report.video_probe import video_round_trip

    frames = video_round_trip(folder)
    return Finding(name="video", found=f"H.264 is written and read ({frames} frames tried)")


def _codecs(folder: Path) -> Finding:
    from graticule.storage.probe import codec_pipeline

    used = codec_pipeline(str(folder))
    if used != "zarrs":
        return problem(
            "zarr codecs",
            f"{used} codes, zarrs should: everything works, four times slower",
            "pip install --force-reinstall zarrs",
        )
    return Finding(name="zarr codecs", found="zarrs codes arrays on disks")
