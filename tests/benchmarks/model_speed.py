"""Time one thing about one network in a process of its own, and print what came out as JSON.

python tests/benchmarks/model_speed.py CASE [--device cpu|cuda] [--repeats N]

Needs neither Ray nor zarr, so it also runs where only torch is installed. ``plain`` cases
measure the plain form of the same network and ours in turn, on the same weights and input.
"""

import argparse
import json
import os
import statistics
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "platform"), str(ROOT / "tests")]

import psutil  # noqa: E402
import torch  # noqa: E402

from graticule.models.architecture import architecture  # noqa: E402
from graticule.models.vm_unet import mixer  # noqa: E402

Work = Callable[[], Any]


class Peak:
    """Highest resident (CPU) or allocated (CUDA) memory while a block runs, above that before, in bytes."""

    def __init__(self, device: str) -> None:
        self._on_gpu = device.startswith("cuda")
        self._process = psutil.Process()
        self.above = 0

    def __enter__(self) -> "Peak":
        self._before = self._now()
        if self._on_gpu:
            torch.cuda.reset_peak_memory_stats()
            return self
        self._stop = threading.Event()
        self._watcher = threading.Thread(target=self._watch)
        self._watcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._on_gpu:
            self.above = torch.cuda.max_memory_allocated() - self._before
            return
        self._stop.set()
        self._watcher.join()

    def _watch(self) -> None:
        while not self._stop.wait(0.005):
            self.above = max(self.above, self._now() - self._before)

    def _now(self) -> int:
        return int(torch.cuda.memory_allocated() if self._on_gpu else self._process.memory_info().rss)


def network(name: str, device: str) -> torch.nn.Module:
    """Return a network of the paper's size with random weights."""
    torch.manual_seed(0)
    kind = architecture(name)
    return kind.build(kind.config()).eval().to(device)


def picture(name: str, device: str, *, batch: int = 1) -> torch.Tensor:
    """Return random RGB images of the network's native size."""
    size = architecture(name).native_size
    return torch.rand(batch, 3, size, size, generator=torch.Generator().manual_seed(1)).to(device)


def forward(name: str, device: str, *, batch: int) -> Work:
    """Return one forward pass (EfficientSAM: its encoder)."""
    model, images = network(name, device), picture(name, device, batch=batch)
    return lambda: model.embed(images) if name == "efficient-sam-ti" else model(images)


def grid(count: int, size: int, device: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Return ``count`` points on a square grid as prompts of one point each."""
    side = round(count**0.5)
    at = (torch.arange(side) + 0.5) * size / side
    y, x = torch.meshgrid(at, at, indexing="ij")
    points = torch.stack([x, y], -1).reshape(1, side * side, 1, 2)
    return points.to(device), torch.ones(1, side * side, 1, dtype=torch.int64, device=device)


def prompted(device: str, *, prompts: int) -> Work:
    """Return the decoding of many prompts, every mask kept."""
    name = "efficient-sam-ti"
    model, images = network(name, device), picture(name, device)
    with torch.inference_mode():
        embedding = model.embed(images)
    points, labels = grid(prompts, images.shape[-1], device)

    def run() -> int:
        return sum(len(chunk.query) for chunk in model.candidates(embedding, points, labels))

    return run


def timed(work: Work, repeats: int, device: str) -> list[float]:
    """Return the seconds of each repeat, after one that does not count."""
    return [_once(work, device) for _ in range(repeats + 1)][1:]


def _once(work: Work, device: str) -> float:
    with torch.inference_mode():
        start = time.perf_counter()
        work()
        if device.startswith("cuda"):
            torch.cuda.synchronize()
        return time.perf_counter() - start


def alone(work: Work, repeats: int, device: str) -> dict[str, Any]:
    """Return median seconds and peak memory of ours alone."""
    with Peak(device) as peak:
        seconds = timed(work, repeats, device)
    return {"seconds": statistics.median(seconds), "peak_bytes": peak.above}


def in_turn(plain: Work, ours: Work, repeats: int, device: str) -> dict[str, Any]:
    """Return the median seconds of a plain form and ours, measured in turn, and their ratio."""
    _once(ours, device)
    pairs = [(_once(plain, device), _once(ours, device)) for _ in range(repeats)]
    first, second = (statistics.median(side) for side in zip(*pairs, strict=True))
    return {"plain_seconds": first, "seconds": second, "ratio": first / second}


def plain_encoder(device: str) -> tuple[Work, Work]:
    """Return EfficientSAM's encoder with eager attention, and ours."""
    from plain.efficient_sam import embed

    name = "efficient-sam-ti"
    model, images = network(name, device), picture(name, device)
    return lambda: embed(model, images), lambda: model.embed(images)


def plain_prompts(device: str) -> tuple[Work, Work]:
    """Return 256 prompts with every candidate brought to full size, 16 at a time, and ours, all kept."""
    from plain.efficient_sam import decode

    name = "efficient-sam-ti"
    model, images = network(name, device), picture(name, device)
    with torch.inference_mode():
        embedding = model.embed(images)
    points, labels = grid(256, images.shape[-1], device)

    def plain() -> None:
        for some, kinds in zip(points.split(16, 1), labels.split(16, 1), strict=True):
            decode(model, embedding, some, kinds)

    return plain, lambda: [chunk.iou for chunk in model.candidates(embedding, points, labels)]


def plain_scan(device: str) -> tuple[Work, Work]:
    """Return VMamba with a textbook's scan, and with ours."""
    from plain.selective_scan import selective_scan

    model, images = network("vmamba", device), picture("vmamba", device)

    def plain() -> None:
        ours, mixer.selective_scan = mixer.selective_scan, selective_scan
        model(images)
        mixer.selective_scan = ours

    return plain, lambda: model(images)


def lean_scan(device: str) -> tuple[Work, Work]:
    """Return VMamba with our own loop over steps, and with the backend chosen by itself."""
    model, images = network("vmamba", device), picture("vmamba", device)

    def sequential() -> None:
        os.environ["GRATICULE_SCAN"] = "sequential"
        model(images)
        del os.environ["GRATICULE_SCAN"]

    return sequential, lambda: model(images)


PLAIN = {
    "plain-encoder": plain_encoder,
    "plain-prompts": plain_prompts,
    "plain-scan": plain_scan,
    "lean-scan": lean_scan,
}


def measured(case: str, device: str, repeats: int) -> dict[str, Any]:
    """Return the figures of one case: a network's name, ``prompts-N``, or ``plain-…``."""
    if case in PLAIN:
        return in_turn(*PLAIN[case](device), repeats, device)
    if case.startswith("prompts-"):
        return alone(prompted(device, prompts=int(case.removeprefix("prompts-"))), repeats, device)
    name, _, batch = case.partition("@")
    return alone(forward(name, device, batch=int(batch or 1)), repeats, device)


def main() -> None:
    """Measure the case named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("case")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    torch.set_num_threads(os.cpu_count() or 1)
    print(json.dumps(measured(arguments.case, arguments.device, arguments.repeats)))


if __name__ == "__main__":
    main()
