"""The mask decoder: a prompt's tokens and an image's embedding -> masks and their predicted IoU.

Letters: B images, Q prompts, T tokens, N rows of the embedding's grid, C = 256 channels,
Z prompts of all images, S = 4 x 4 pixels of a row, M masks.
Source: Kirillov et al. 2023, https://arxiv.org/abs/2304.02643; Xiong et al. 2024, https://arxiv.org/abs/2312.00863.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from graticule.models.efficient_sam.encoder import EMBEDDING
from graticule.models.efficient_sam.prompts import Prompts
from graticule.models.efficient_sam.transformer import Scene, TwoWayTransformer

MASKS = 4
"""Mask 0 is for prompts that leave no doubt, masks 1 to 3 for whole, part, and part of a part."""
UPSCALED = 32
"""Channels of the image at a quarter of the input's size."""


class Answer(NamedTuple):
    """What a prompt's tokens have become, and the rows of the image as the prompt sees it."""

    iou: Float[Tensor, "b q c"]
    masks: Float[Tensor, "b q m c"]
    rows: Float[Tensor, "b q n c"]


class Decoder(nn.Module):
    """Two-way transformer, upscaling, and one small perceptron for each mask and for the IoU."""

    def __init__(self, *, distance: bool) -> None:
        super().__init__()
        self.iou_token = nn.Parameter(torch.randn(1, EMBEDDING))
        self.mask_tokens = nn.Parameter(torch.randn(MASKS, EMBEDDING))
        self.transformer = TwoWayTransformer(EMBEDDING)
        self.upscale = Upscale()
        self.weighers = nn.ModuleList([perceptron(UPSCALED) for _ in range(MASKS)])
        self.iou = perceptron(MASKS)
        self.distance_weigher = perceptron(UPSCALED) if distance else None

    def share(self, embedding: Float[Tensor, "b c y x"], places: Float[Tensor, "n c"]) -> Scene:
        """Return what all prompts of each image share."""
        return self.transformer.share(embedding.flatten(2).transpose(1, 2), places.to(embedding.dtype))

    def answer(self, scene: Scene, prompts: Prompts) -> Answer:
        """Let each prompt look at its image."""
        own = torch.cat([self.iou_token, self.mask_tokens])
        own_BQTC = own.expand(*prompts.tokens.shape[:2], -1, -1)
        tokens = torch.cat([own_BQTC, prompts.tokens], dim=2)
        counts = torch.tensor([1] * len(own) + list(prompts.counts), dtype=tokens.dtype, device=tokens.device)
        answers, rows = self.transformer(scene, tokens, counts.log(), slice(0, len(own)))
        return Answer(answers[:, :, 0], answers[:, :, 1:], rows)

    def predicted_iou(self, answer: Answer) -> Float[Tensor, "b q 3"]:
        """Return the predicted IoU of masks 1 to 3."""
        iou: Tensor = self.iou(answer.iou)
        return iou[..., 1:]

    def weights(self, answer: Answer) -> Float[Tensor, "b q 3 c"]:
        """Return how masks 1 to 3 weigh the channels of the upscaled image."""
        return torch.stack([self.weighers[m](answer.masks[:, :, m]) for m in range(1, MASKS)], dim=2)

    def single_weights(self, answer: Answer) -> Float[Tensor, "b q m c"]:
        """Return how mask 0 weighs the channels, and after it, if there is one, the distance head."""
        token = answer.masks[:, :, 0]
        heads = [self.weighers[0]] + ([self.distance_weigher] if self.distance_weigher else [])
        return torch.stack([head(token) for head in heads], dim=2)


class Upscale(nn.Module):
    """Transposed convolutions 256 -> 64 -> 32 channels, each doubling the size.

    With kernel and stride 2 no two rows meet, so both are products of matrices, and pixels stay
    in the order (row, subrow, ...) until the few masks are put into their places.
    """

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.ConvTranspose2d(EMBEDDING, 64, 2, 2)
        self.norm = nn.GroupNorm(1, 64)
        self.second = nn.ConvTranspose2d(64, UPSCALED, 2, 2)

    def forward(self, rows_ZNC: Tensor) -> Tensor:
        """Return the pixels of each row, (Z, N, S, 32)."""
        half = _spread(rows_ZNC, self.first)
        half = functional.gelu(self._normalised(half))
        return functional.gelu(_spread(half, self.second)).flatten(2, 3)

    def _normalised(self, half_ZNSC: Tensor) -> Tensor:
        norm = self.norm
        plain = functional.layer_norm(half_ZNSC, half_ZNSC.shape[1:], eps=norm.eps)
        return torch.addcmul(norm.bias, plain, norm.weight)


def masks(weights_ZMC: Tensor, pixels_ZNSC: Tensor, *, grid: tuple[int, int]) -> Float[Tensor, "z m y x"]:
    """Return the weighed sums of the channels as images of four times the grid's size."""
    logits_ZMNS = weights_ZMC @ pixels_ZNSC.flatten(1, 2).transpose(1, 2)
    y, x = grid
    # A row's 16 pixels are 2 x 2 quarters of 2 x 2 pixels: y x, then (a b) of the half size, then (c d).
    tiles = torch.unflatten(logits_ZMNS, 2, (y, x, 2, 2, 2, 2))
    return tiles.permute(0, 1, 2, 4, 6, 3, 5, 7).reshape(*logits_ZMNS.shape[:2], 4 * y, 4 * x)


def perceptron(out: int) -> nn.Sequential:
    """Two hidden layers of 256."""
    c = EMBEDDING
    return nn.Sequential(nn.Linear(c, c), nn.GELU(), nn.Linear(c, c), nn.GELU(), nn.Linear(c, out))


def _spread(x_XC: Tensor, convolution: nn.ConvTranspose2d) -> Tensor:
    """Each pixel into 2 x 2: (..., C) -> (..., 4, D)."""
    weight_SDC = convolution.weight.permute(2, 3, 1, 0).flatten(0, 2)
    assert convolution.bias is not None
    spread = functional.linear(x_XC, weight_SDC, convolution.bias.repeat(4))
    return torch.unflatten(spread, -1, (4, -1))
