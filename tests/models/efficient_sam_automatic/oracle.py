"""A network that sees: it answers a point with the dark body there, drawn from the image itself."""

import numpy as np
import torch
from scipy import ndimage
from torch import nn
from torch.nn.functional import interpolate

from graticule.core.segmenter import Patch
from graticule.models.efficient_sam.network import Chunk
from graticule.models.efficient_sam.segmenter import EfficientSam
from graticule.models.learned.output import SemanticOutput
from graticule.models.split import components, split_touching

PIECE, GROUP, GROUND = 0, 1, 2


class Oracle(nn.Module):
    """Three masks for each prompt: the particle, all that touches it, and the gap between them.

    ``iou`` are their predicted scores. A point beside all particles is answered with the gap alone.
    """

    def __init__(self, *, iou=(0.95, 0.9, 0.8)):
        super().__init__()
        self.anchor = nn.Parameter(torch.zeros(1))
        self.iou = iou
        self.asked = []

    def embed(self, images):
        return interpolate(images[:, :1], scale_factor=0.25, mode="area")

    def foreground(self, images):
        return SemanticOutput(8.0 * (0.5 - images[:, :1]), None)

    def candidates(self, embedding, points, labels, *, image_size=None, chunk=8, least_iou=-np.inf):
        grey = embedding[0, 0].numpy()
        bodies = components(grey < 0.5)
        pieces = split_touching(bodies)
        self.asked.append(points.shape[1])
        self.known = {}
        for first in range(0, points.shape[1], chunk):
            rows = [
                (query, mask, iou, self.logits(bodies, pieces, points[0, query], labels[0, query], mask))
                for query in range(first, min(first + chunk, points.shape[1]))
                for mask, iou in enumerate(self.iou)
                if iou >= least_iou
            ]
            if rows:
                query, mask, iou, logits = zip(*rows, strict=True)
                yield Chunk(torch.tensor(query), torch.tensor(mask), torch.tensor(iou), torch.stack(logits))

    def logits(self, bodies, pieces, points, labels, mask):
        x, y = points[labels == 1][0] if (labels == 1).any() else points.mean(dim=0)
        at = int((float(y) + 0.5) // 4), int((float(x) + 0.5) // 4)
        here = (mask, {PIECE: pieces[at], GROUP: bodies[at], GROUND: 0}[mask])
        if here not in self.known:
            what = {PIECE: pieces, GROUP: bodies, GROUND: bodies}[mask] == here[1]
            inside, outside = (ndimage.distance_transform_edt(side) for side in (what, ~what))
            edge = np.where(what, inside - 0.5, 0.5 - outside)
            self.known[here] = torch.tensor(2.0 * edge, dtype=torch.float32)
        return self.known[here]


def discs(shape, *places, background=200.0, particle=50.0):
    """Dark discs, (y, x, radius) each, with soft edges; and the number of the disc at each pixel."""
    y, x = np.indices(shape)
    thick, truth = np.zeros(shape), np.zeros(shape, int)
    for k, (cy, cx, radius) in enumerate(places, start=1):
        depth = radius + 0.5 - np.hypot(y - cy, x - cx)
        truth[depth - 0.5 > np.where(truth > 0, thick - 0.5, 0)] = k
        thick = np.maximum(thick, np.clip(depth, 0, 1))
    return (background + (particle - background) * thick).astype(np.float32), truth


def sam(network=None, **options):
    """EfficientSAM with an oracle for a network."""
    chosen = {"view_px": 256, "margin_px": 64, "device": "cpu", "scale_px": 7.0, **options}
    return EfficientSam(EfficientSam.Options(**chosen), network or Oracle())


def segmented(segmenter, *frames):
    """Labels of whole frames."""
    pixels = np.stack(frames)
    trusted = slice(0, pixels.shape[1]), slice(0, pixels.shape[2])
    statistics = [segmenter.measure(frame) for frame in pixels]
    return segmenter.segment(Patch(pixels=pixels, trusted=trusted), statistics)


def least_iou(labels, truth):
    """The worst intersection over union of a true particle with the label that covers most of it."""
    worst = 1.0
    for k in range(1, truth.max() + 1):
        here = truth == k
        label = np.bincount(labels[here]).argmax()
        if label == 0:
            return 0.0
        worst = min(worst, (here & (labels == label)).sum() / (here | (labels == label)).sum())
    return worst
