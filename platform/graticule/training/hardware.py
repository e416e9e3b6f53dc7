"""What machine a network was trained on, in words."""

import os
import platform
from pathlib import Path

import torch


def hardware(device: torch.device | str = "cpu") -> str:
    """Return the processor or graphics card that ``device`` names, and what goes with it."""
    place = torch.device(device)
    host = f"{_processor()}, {cores()} cores, {torch.get_num_threads()} threads"
    if place.type != "cuda":
        return host
    card = torch.cuda.get_device_properties(place)
    return f"{card.name}, {card.total_memory / 2**30:.0f} GiB; {host}"


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return next(iter(names), "") or platform.processor() or platform.machine()
