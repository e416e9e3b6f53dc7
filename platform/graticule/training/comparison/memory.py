"""Memory that a piece of work takes: of the GPU where there is one, else resident."""

import contextlib
import resource
import sys
from pathlib import Path

import torch

_STATUS = Path("/proc/self/status")
_RESET = Path("/proc/self/clear_refs")


class Watch:
    """Highest memory since it was made, above what there was then, in bytes."""

    def __init__(self, device: torch.device) -> None:
        self.on_gpu = device.type == "cuda"
        if self.on_gpu:
            torch.cuda.reset_peak_memory_stats(device)
        elif _RESET.exists():
            with contextlib.suppress(OSError):  # a locked-down container: the peak of before counts too
                _RESET.write_text("5")
        self._device = device
        self._before = 0 if self.on_gpu else _resident("VmRSS")

    def above(self) -> int:
        """Return the peak so far."""
        if self.on_gpu:
            return int(torch.cuda.max_memory_allocated(self._device))
        return max(0, _resident("VmHWM") - self._before)


def _resident(field: str) -> int:
    if _STATUS.exists():
        lines = _STATUS.read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{field}:"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
