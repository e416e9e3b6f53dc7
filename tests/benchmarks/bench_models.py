"""Speed and memory of the networks at their native sizes, and against their plain forms."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
SIZES = {"yolov8n-seg": 512, "swin-unet": 448, "vmamba": 512, "efficient-sam-ti": 1024}
REPEATS = {
    "prompts-64": 3,
    "prompts-256": 2,
    "plain-encoder": 3,
    "plain-prompts": 1,
    "plain-scan": 2,
    "lean-scan": 2,
}
ASKED = {"plain-encoder": "2", "plain-prompts": "3", "plain-scan": "5", "lean-scan": "-"}
SAID = {
    "plain-encoder": "EfficientSAM encoder, 1024 px: eager attention / ours",
    "plain-prompts": "EfficientSAM, 256 prompts: every candidate upsampled / ours",
    "plain-scan": "VMamba, 512 px: a textbook's scan, step by step / ours",
    "lean-scan": "VMamba, 512 px: our leaner loop over steps (backend sequential) / ours",
}


def measure(_: Path) -> list[str]:
    """Return the lines of the section."""
    lines = ["Random weights of the paper's sizes, one image at a time, inference mode, median.", ""]
    for device in _devices():
        lines += [*_table(device), "", *_ratios(device), ""]
    return lines[:-1]


def _devices() -> list[str]:
    import torch

    return ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]


def _table(device: str) -> list[str]:
    lines = [
        f"On {_named(device)}:",
        "",
        "| network | size | images/s | megapixels/s | peak memory above the loaded model, MiB |",
        "|---|---|---|---|---|",
    ]
    for name, size in SIZES.items():
        figures = _run(name, device)
        said = f"{name} (encoder)" if name == "efficient-sam-ti" else name
        lines.append(_row(said, size, figures))
    prompted = [
        (f"efficient-sam-ti, {count} prompts", _run(f"prompts-{count}", device)) for count in (64, 256)
    ]
    return [*lines, *(_row(said, 1024, figures) for said, figures in prompted)]


def _row(name: str, size: int, figures: dict[str, Any]) -> str:
    rate = 1 / figures["seconds"]
    memory = figures["peak_bytes"] / 2**20
    return f"| {name} | {size} | {rate:.2f} | {rate * size**2 / 1e6:.2f} | {memory:.0f} |"


def _ratios(device: str) -> list[str]:
    lines = [
        "| against the plain form, in turn in one process | plain s | ours s | ratio | asked |",
        "|---|---|---|---|---|",
    ]
    for case, asked in ASKED.items():
        f = _run(case, device)
        times = f"{f['plain_seconds']:.2f} | {f['seconds']:.2f} | {f['ratio']:.1f}"
        lines.append(f"| {SAID[case]} | {times} | {asked} |")
    return lines


def _run(case: str, device: str) -> dict[str, Any]:
    command = [sys.executable, str(HERE / "model_speed.py"), case, "--device", device]
    command += ["--repeats", str(REPEATS.get(case, 5))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{case} on {device} failed:\n{done.stderr}")
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def _named(device: str) -> str:
    if device == "cpu":
        return f"a CPU, {os.cpu_count()} threads"
    import torch

    return str(torch.cuda.get_device_name())
