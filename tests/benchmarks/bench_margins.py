"""What a margin is worth to yolov8n-seg: windows against the untiled frame, by margin."""

import os
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float32
from torch import nn

from graticule.models.learned.fitting import MARGIN_PX
from graticule.models.learned.normalise import measure_frame, normalised
from graticule.models.weights import has_builtin, load_network
from graticule.models.yolo import YoloConfig, YoloSeg
from graticule.models.yolo.agreement import disagreement
from graticule.models.yolo.framing import context_px
from graticule.models.yolo.loss import YoloLoss, targets_of
from graticule.synthetic import simulate
from graticule.tiling import BAND

MARGINS = [0, 32, 64, 96, 128, 192, 256]
WRITE = (slice(384, 640), slice(384, 640))
PARTS = ("boxes", "classes", "coefficients", "prototypes")


def measure(_: Path) -> list[str]:
    """Return a table of relative errors, for random weights and for those the user names."""
    image = synthetic_image(1024)
    lines = [
        "Raw answer of `yolov8n-seg` inside a write box of 256 x 256, read with a margin, against the untiled"
        " 1024 x 1024 frame (preset `medium`): norm of the difference over the norm of the answer's deviation"
        f" from its mean. A segmenter left to itself reads {_usual()} px more than it writes. `random`:"
        " random weights, batch normalisation set by the frame; `40 steps`: trained for so many.",
        "",
        f"| weights | margin px | {' | '.join(PARTS)} |",
        "|---|---|" + "---|" * len(PARTS),
    ]
    for name, network in _networks(image):
        for margin, error in disagreement(network, image, WRITE, margins=MARGINS).items():
            lines.append(
                f"| {name} | {margin} | " + " | ".join(f"{error[part]:.1e}" for part in PARTS) + " |"
            )
    return lines


def synthetic_image(edge: int) -> Float32[np.ndarray, "y x"]:
    """Return a normalised frame of the preset `medium`."""
    frame = next(iter(simulate("medium", frames=1, size=edge, seed=0))).image
    return normalised(frame, measure_frame(frame), dark=True)


def calibrated(image: Float32[np.ndarray, "y x"]) -> YoloSeg:
    """Return the network with random weights, its normalisation set by one image."""
    torch.manual_seed(0)
    network = YoloSeg(YoloConfig())
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = None  # the plain mean over what is seen
    with torch.no_grad():
        network.train()(torch.from_numpy(image).expand(1, 3, -1, -1))
    return network.eval()


def briefly_trained(steps: int) -> YoloSeg:
    """Return the network after a few steps on crops of a synthetic frame.

    With random weights the deepest layers count as much as the others; a few steps end that.
    """
    frame = next(iter(simulate("medium", frames=1, size=512, seed=0)))
    image = torch.from_numpy(normalised(frame.image, measure_frame(frame.image), dark=True))
    images, labels = (_crops(whole) for whole in (image, torch.from_numpy(frame.labels.astype(np.int64))))
    torch.manual_seed(0)
    network = YoloSeg(YoloConfig()).train()
    module = YoloLoss(network)
    optimiser = torch.optim.AdamW(module.parameters(), lr=2e-3)
    for step in range(steps):
        chosen = slice(step % 4, None, 4)
        loss, _ = module(images[chosen, None].expand(-1, 3, -1, -1), targets_of(labels[chosen]))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return network.eval()


def _crops(whole: torch.Tensor) -> torch.Tensor:
    return whole.unfold(0, 128, 128).unfold(1, 128, 128).reshape(16, 128, 128)


def _networks(image: Float32[np.ndarray, "y x"]) -> list[tuple[str, nn.Module]]:
    found: list[tuple[str, nn.Module]] = [
        ("random", calibrated(image)),
        ("40 steps", briefly_trained(40)),
    ]
    named = os.environ.get("GRATICULE_BENCH_YOLO", "builtin")
    if named != "builtin" or has_builtin("yolov8n-seg"):
        found.append((Path(named).name, load_network("yolov8n-seg", named)))
    return found


def _usual() -> int:
    return MARGIN_PX + BAND + 1 + context_px(margin=MARGIN_PX)
