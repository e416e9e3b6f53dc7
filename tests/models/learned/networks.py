"""Small networks whose answers can be told beforehand."""

import numpy as np
import torch
from torch import nn

from graticule.core.segmenter import Patch
from graticule.models.learned.options import LearnedOptions
from graticule.models.learned.output import SemanticOutput
from graticule.models.learned.semantic import SemanticSegmenter

torch.set_num_threads(1)
GIVEN = {
    "probability": 0.5,
    "weights_sha256": "0" * 64,
    "polarity": "dark",
    "margin_px": 24,
    "min_diameter_px": 0,
}


class Oracle(nn.Module):
    """Says foreground where the mean of 3 x 3 pixels is darker than half."""

    def __init__(self, *, distance=False):
        super().__init__()
        self.mean = nn.Conv2d(1, 1, 3, padding=1, padding_mode="replicate", bias=False)
        nn.init.constant_(self.mean.weight, 1 / 9)
        self.distance = distance

    def foreground(self, images):
        logit = 20 * (0.5 - self.mean(images[:, :1]))
        return SemanticOutput(logit=logit, distance=torch.sigmoid(logit - 1) if self.distance else None)


class Random(nn.Module):
    """A little of everything that could mix what lies in one batch, with random weights."""

    def __init__(self, seed=0):
        super().__init__()
        torch.manual_seed(seed)
        self.down = nn.Conv2d(3, 8, 4, stride=4)
        self.norm = nn.GroupNorm(2, 8)
        self.mix = nn.Conv2d(8, 8, 3, padding=1)
        self.up = nn.ConvTranspose2d(8, 2, 4, stride=4)

    def foreground(self, images):
        answer = self.up(torch.relu(self.mix(self.norm(self.down(images)))))
        return SemanticOutput(logit=5 * answer[:, :1], distance=torch.sigmoid(answer[:, 1:]))


class Small(SemanticSegmenter):
    """Like the real ones, but made for 64 pixels."""

    name = "small"
    native_size = 64
    default_view_px = 64


def small(network=None, **options):
    return Small(LearnedOptions(**{**GIVEN, **options}), network or Oracle())


def whole(frames):
    height, width = frames.shape[1:]
    return Patch(pixels=frames, trusted=(slice(0, height), slice(0, width)))


def scene(seed, *, shape=(150, 170), particles=14, radius=9.0, dtype=np.uint8):
    """Dark discs that do not touch, on a noisy background."""
    rng = np.random.default_rng(seed)
    y, x = np.indices(shape)
    frame, centres = np.full(shape, 180.0), []
    for cy, cx in rng.uniform(0, 1, (20 * particles, 2)) * shape:
        if len(centres) < particles and all(np.hypot(cy - a, cx - b) > 2 * radius + 6 for a, b in centres):
            centres.append((cy, cx))
            frame[np.hypot(y - cy, x - cx) < radius] = 60
    return (frame + rng.normal(0, 6, shape)).clip(0, 255).astype(dtype)
