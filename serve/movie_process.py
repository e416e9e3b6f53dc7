"""The process of one movie, from outside: started with little of what we know, heard, and ended."""

import asyncio
import json
import logging
import os
import subprocess
import sys
from asyncio.subprocess import Process
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from serve.naming import BUILTIN

log = logging.getLogger(__name__)

_NAMES = frozenset(
    (
        "HOME",
        "LANG",
        "LD_LIBRARY_PATH",
        "LOGNAME",
        "MPLCONFIGDIR",
        "PATH",
        "PYTHONPATH",
        "TMPDIR",
        "TZ",
        "USER",
    )
)
_FAMILIES = (
    "CUDA_", "GRATICULE_", "HDF5_", "LC_", "MKL_", "NUMBA_", "NUMEXPR_", "NVIDIA_", "OMP_", "OPENBLAS_",
    "PYTORCH_", "RAY_", "TORCH", "TRITON_", "XDG_",
)  # fmt: skip
_OURS_ALONE = "GRATICULE_SERVE_"
_OF_THE_REGISTRY = (
    "AWS_", "AZURE_", "DATABRICKS_", "GOOGLE_", "MLFLOW_", "CURL_CA_", "REQUESTS_CA_", "SSL_CERT_",
    "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY",
)  # fmt: skip
_LINE_BYTES = 2**20
_KILL_SECONDS = 10.0
_TAIL_BYTES = 2000


def environment(ours: Mapping[str, str], *, weights: str) -> dict[str, str]:
    """Return what a movie's process is told of our environment: no secret that it can do without.

    Keys of the registry and of its store go along where ``weights`` are to be had there.
    """
    families = _FAMILIES if weights == BUILTIN else (*_FAMILIES, *_OF_THE_REGISTRY)
    return {
        name: value
        for name, value in ours.items()
        if name in _NAMES or (name.upper().startswith(families) and not name.startswith(_OURS_ALONE))
    }


async def started(described: Path, *, weights: str) -> Process:
    """Start the process of the job that a file describes; its log lies beside.

    Raises:
        OSError: If it cannot be started.
    """
    told = environment(os.environ, weights=weights)
    path = os.pathsep.join(filter(None, [str(Path(__file__).parents[1]), told.get("PYTHONPATH")]))
    with (described.parent / "log").open("wb") as output:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "serve.movie_worker", str(described)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=output,
            cwd=described.parent,
            env={**told, "PYTHONPATH": path},
            start_new_session=True,
            limit=_LINE_BYTES,
        )


async def heard(process: Process) -> dict[str, Any]:
    """Return what it tells next; nothing once it has ended, or makes no sense."""
    assert process.stdout is not None
    try:
        line = await process.stdout.readline()
        told = json.loads(line) if line.endswith(b"\n") else {}
    except ValueError as error:  # a line too long, too
        log.error("process %d of a movie says what cannot be read: %s", process.pid, error)
        return {}
    return told if isinstance(told, dict) else {}


def left_behind(process: Process) -> None:
    """End what a process that has just ended by itself had started."""
    if process.returncode is not None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, 9)


async def killed(process: Process) -> None:
    """End it and all that it has started."""
    if process.returncode is not None:
        return
    with suppress(ProcessLookupError):
        os.killpg(process.pid, 9)
    with suppress(TimeoutError):
        async with asyncio.timeout(_KILL_SECONDS):
            await process.wait()


def tail(path: Path) -> str:
    """Return the end of a log."""
    with suppress(OSError), path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
        return file.read(_TAIL_BYTES).decode("utf-8", "replace").strip()
    return ""
