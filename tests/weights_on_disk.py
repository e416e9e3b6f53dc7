"""Every segmenter with weights that find something, though their networks have learnt nothing."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from graticule import models
from graticule.core.segmenter import Patch
from graticule.core.window import whole
from graticule.synthetic import simulate
from random_weights import random_weights

Case = tuple[str, dict[str, Any]]
"""A segmenter's name and its options."""

SMALL: dict[str, dict[str, Any]] = {
    "efficient-sam-ti": {"width": 24, "depth": 1},
    "swin-unet": {"embed": 4, "depths": (1, 1, 1, 1), "heads": (1, 1, 1, 1), "drop_path": 0.0},
    "vmamba": {"dims": (8, 16, 32, 64), "depths": (1, 1, 1), "mid": 4, "d_state": 2},
}
FOREGROUND = 0.3
"""Share of a frame that a network without any knowledge is made to call foreground."""


def frames(count: int, *, size: int, seed: int = 3) -> np.ndarray:
    """Return simulated frames (t, y, x) in 8 bits."""
    images = np.stack([frame.image for frame in simulate("easy", frames=count, size=size, seed=seed)])
    return (images / images.max() * 250).astype(np.uint8)


def whole_patch(pixels: np.ndarray) -> Patch:
    """Return a patch that is all of some frames."""
    return Patch(pixels=pixels, trusted=whole(pixels.shape[1:]))


def _threshold(_: Path) -> Case:
    return "threshold", {}


def _semantic(name: str, **options: Any) -> Callable[[Path], Case]:
    def make(folder: Path) -> Case:
        weights = random_weights(folder / f"{name}.semantic", name, seed=0, **SMALL[name])
        given = {"weights": str(weights), "device": "cpu", **options}
        return name, {**given, "probability": _level(name, given)}

    return make


def _level(name: str, options: dict[str, Any]) -> float:
    """Return the probability that so much of a frame exceeds."""
    image = frames(1, size=64)
    segmenter = models.create(name, **models.adapt(name, options, image))
    found = segmenter.segment(whole_patch(image), [segmenter.measure(image[0])])
    return round(float(np.quantile(found.foreground, 1 - FOREGROUND)), 6)


def _automatic_sam(folder: Path) -> Case:
    name = "efficient-sam-ti"
    weights = random_weights(folder / f"{name}.automatic", name, seed=1, **SMALL[name])
    # It knows neither how good its masks are nor where to draw their outlines.
    return name, {"weights": str(weights), "device": "cpu", "predicted_iou": 0.0, "stability": 0.0}


def _yolo(folder: Path) -> Case:
    from graticule.models.weights import save_weights
    from graticule.models.yolo import YoloConfig

    path = folder / "yolov8n-seg.safetensors"
    save_weights(path, "yolov8n-seg", YoloConfig(), _patchy_yolo())
    return "yolov8n-seg", {"weights": str(path), "device": "cpu", "confidence": 0.8}


def _patchy_yolo() -> Any:
    """Return a network whose scores differ from cell to cell, and whose masks are patches.

    With plain random weights all cells say much the same, and a mask is all of the image. So
    scores and coefficients are set to mean 0 and deviation 1 over a frame's cells, and every mask
    is lowered by the product of one constant prototype and its coefficient.
    """
    import torch

    from benchmarks.bench_margins import calibrated
    from graticule.models.learned.normalise import measure_frame, normalised
    from graticule.models.learned.zoom import zoomed

    frame = frames(1, size=64)[0]
    image = torch.from_numpy(normalised(frame, measure_frame(frame), dark=True))
    view = zoomed(image[None, None], 512)
    network = calibrated(view[0, 0].numpy())
    with torch.no_grad():
        head, seen = network.network.model[-1], network.features(view.expand(1, 3, -1, -1))
        for branches in (head.cv3, head.cv4):
            for branch, feature in zip(branches, seen, strict=True):
                answer = branch(feature)[0].flatten(1)
                spread = answer.std(dim=1)
                branch[-1].weight.div_(spread[:, None, None, None])
                branch[-1].bias.sub_(answer.mean(dim=1)).div_(spread)
        for branch in head.cv4:
            branch[-1].weight[0], branch[-1].bias[0] = 0.0, -5.0
        head.proto.cv3.bn.weight[0], head.proto.cv3.bn.bias[0] = 0.0, 1.5
    return network


CASES: dict[str, Callable[[Path], Case]] = {
    "threshold": _threshold,
    "swin-unet": _semantic("swin-unet"),
    "vmamba": _semantic("vmamba"),
    "efficient-sam-ti": _automatic_sam,
    "efficient-sam-ti, semantic": _semantic("efficient-sam-ti", mode="semantic"),
    "yolov8n-seg": _yolo,
}
"""What makes each segmenter's weights in a folder."""
