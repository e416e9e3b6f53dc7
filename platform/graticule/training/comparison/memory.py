"""Memory that segmenting takes: of the GPU where there is one, else resident."""

import contextlib
import resource
import sys
from collections.abc import Iterator
from pathlib import Path

import torch

_STATUS = Path("/proc/self/status")
_RESET = Path("/proc/self/clear_refs")


class Watch:
    """The highest memory within blocks, above what there was when it was made, in bytes.

    What is done between the blocks, reading and scoring images, does not count.
    """

    def __init__(self, device: torch.device) -> None:
        self._gpu = device if device.type == "cuda" else None
        self._before = 0 if self._gpu else _resident("VmRSS")
        self._peak = 0

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Count what the block takes."""
        self._forget()
        yield
        peak = _resident("VmHWM") if self._gpu is None else torch.cuda.max_memory_allocated(self._gpu)
        self._peak = max(self._peak, peak)

    def above(self) -> int:
        """Return the peak so far."""
        return max(0, self._peak - self._before)

    def _forget(self) -> None:
        if self._gpu is not None:
            torch.cuda.reset_peak_memory_stats(self._gpu)
        elif _RESET.exists():
            with contextlib.suppress(OSError):  # a locked-down container: the peak of before counts too
                _RESET.write_text("5")


def _resident(field: str) -> int:
    if _STATUS.exists():
        lines = _STATUS.read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{field}:"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
