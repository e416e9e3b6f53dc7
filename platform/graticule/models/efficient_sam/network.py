"""EfficientSAM: an image is embedded once, then asked with points and boxes for masks.

Letters: B images, Q prompts, P points of a prompt, M masks, N rows of the embedding's grid, C channels.
Source: Xiong et al. 2024, EfficientSAM, https://arxiv.org/abs/2312.00863; decoder of Kirillov et al.
2023, Segment Anything, https://arxiv.org/abs/2304.02643.
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from graticule.core.errors import InputError
from graticule.models.efficient_sam.config import EfficientSamConfig
from graticule.models.efficient_sam.decoder import Answer, Decoder, masks
from graticule.models.efficient_sam.encoder import PATCH, Encoder
from graticule.models.efficient_sam.prompts import PromptEncoder, Prompts
from graticule.models.efficient_sam.transformer import Scene
from graticule.models.learned.output import SemanticOutput

MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)
"""Of ImageNet's red, green and blue."""
CHUNK = 4
"""Prompts at once: on a CPU more no longer fit the cache, and take longer."""


class Candidates(NamedTuple):
    """Three masks for each prompt, at a quarter of the input's size, and their predicted IoU."""

    logits: Float[Tensor, "b q 3 y x"]
    iou: Float[Tensor, "b q 3"]


class Chunk(NamedTuple):
    """The masks kept of some prompts: ``logits[i]`` is mask ``mask[i]`` (0..2) of prompt ``query[i]``."""

    query: Int[Tensor, " n"]
    mask: Int[Tensor, " n"]
    iou: Float[Tensor, " n"]
    logits: Float[Tensor, "n y x"]


class EfficientSamNetwork(nn.Module):
    """Encoder of images, encoder of prompts, and decoder of masks.

    A network of config ``semantic`` computes the same, but its parameters to be trained are those
    of :meth:`foreground`; otherwise those of :meth:`forward`. All others need no gradient, so that
    data-parallel training finds no dead ones. :meth:`train_modes` changes that.
    """

    def __init__(self, config: EfficientSamConfig | None = None) -> None:
        super().__init__()
        config = config or EfficientSamConfig()
        self.config = config
        self.encoder = Encoder(width=config.width, depth=config.depth, heads=config.heads)
        self.prompts = PromptEncoder()
        self.decoder = Decoder(distance=config.distance)
        self.mean: Tensor
        self.deviation: Tensor
        self.register_buffer("mean", torch.tensor(MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(DEVIATION).view(3, 1, 1), persistent=False)
        self.train_modes(semantic=config.semantic, prompted=not config.semantic)

    @property
    def checkpointing(self) -> bool:
        """Whether training forgets what a block computed, and computes it again for the gradient."""
        return self.encoder.checkpointing

    @checkpointing.setter
    def checkpointing(self, wanted: bool) -> None:
        self.encoder.checkpointing = self.decoder.transformer.checkpointing = wanted

    def embed(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 256 y x"]:
        """Return the embedding of RGB images in 0..1; y = h / 16, x = w / 16.

        Raises:
            InputError: If h or w is no multiple of 16.
        """
        height, width = images.shape[-2:]
        if height % PATCH or width % PATCH:
            raise InputError(
                f"EfficientSAM needs height and width in multiples of 16, got {height} x {width}; resize"
            )
        embedding: Tensor = self.encoder((images - self.mean) / self.deviation)
        return embedding

    def forward(
        self, images: Float[Tensor, "b 3 h w"], points: Float[Tensor, "b q p 2"], labels: Int[Tensor, "b q p"]
    ) -> tuple[Float[Tensor, "b q 3 h w"], Float[Tensor, "b q 3"]]:
        """Return logits and predicted IoU of three masks per prompt, unsorted, as published."""
        low = self.decode(self.embed(images), points, labels, chunk=points.shape[1])
        logits_ZMN = _enlarged(low.logits.flatten(0, 1))
        return torch.unflatten(logits_ZMN, 0, low.iou.shape[:2]), low.iou

    def decode(
        self,
        embedding: Float[Tensor, "b 256 y x"],
        points: Float[Tensor, "b q p 2"],
        labels: Int[Tensor, "b q p"],
        *,
        image_size: tuple[int, int] | None = None,
        chunk: int = CHUNK,
    ) -> Candidates:
        """Return all masks at a quarter of the input's size. Differentiable.

        Args:
            embedding: From :meth:`embed`.
            points: x, y in pixels, whose centres are integers; float32 whatever the network's dtype.
            labels: 0 background point, 1 point, 2 box top left, 3 box bottom right, -1 padding
                (whose points are -1).
            image_size: Height and width of the image that ``points`` refer to; by default that of
                the network's input, 16 times the embedding's grid.
            chunk: Prompts at once.
        """
        grid = embedding.shape[2], embedding.shape[3]
        scene = self._scene(embedding)
        parts = []
        for some in _chunks(points.shape[1], chunk):
            prompts = self._prompts(points[:, some], labels[:, some], grid, image_size)
            answer = self.decoder.answer(scene, prompts)
            logits = self._masks(self.decoder.weights(answer), answer.rows, grid)
            parts.append(Candidates(logits, self.decoder.predicted_iou(answer)))
        return Candidates(
            torch.cat([part.logits for part in parts], 1), torch.cat([part.iou for part in parts], 1)
        )

    @torch.no_grad()
    def candidates(
        self,
        embedding: Float[Tensor, "1 256 y x"],
        points: Float[Tensor, "1 q p 2"],
        labels: Int[Tensor, "1 q p"],
        *,
        image_size: tuple[int, int] | None = None,
        chunk: int = CHUNK,
        least_iou: float = float("-inf"),
    ) -> Iterator[Chunk]:
        """Yield the masks of predicted IoU >= ``least_iou``, in order of (query, mask).

        Only these are upscaled. Memory does not grow with the number of prompts. Without gradients.
        Chunks of which nothing is kept are not yielded. Arguments are those of :meth:`decode`.
        """
        grid = embedding.shape[2], embedding.shape[3]
        scene = self._scene(embedding)
        for some in _chunks(points.shape[1], chunk):
            prompts = self._prompts(points[:, some], labels[:, some], grid, image_size)
            answer = self.decoder.answer(scene, prompts)
            kept = self._kept(answer, grid, least_iou)
            if len(kept.query):
                yield kept._replace(query=kept.query + some.start)

    def foreground(self, images: Float[Tensor, "b 3 h w"]) -> SemanticOutput:
        """Return one foreground mask: the answer to a box around the whole image."""
        return self.foreground_of(self.embed(images))

    def foreground_of(self, embedding: Float[Tensor, "b 256 y x"]) -> SemanticOutput:
        """Return the foreground mask of an embedded image, at the image's size."""
        grid = embedding.shape[2], embedding.shape[3]
        last_y, last_x = (PATCH * edge - 1.0 for edge in grid)
        corners = torch.tensor([[0.0, 0.0], [last_x, last_y]], device=embedding.device)
        points = corners.expand(len(embedding), 1, 2, 2)
        labels = torch.tensor([2, 3], device=embedding.device).expand(len(embedding), 1, 2)
        answer = self.decoder.answer(self._scene(embedding), self._prompts(points, labels, grid, None))
        low = self._masks(self.decoder.single_weights(answer), answer.rows, grid)
        logits = _enlarged(low[:, 0])
        return SemanticOutput(logits[:, :1], logits[:, 1:].sigmoid() if self.config.distance else None)

    def train_modes(self, *, semantic: bool, prompted: bool) -> None:
        """Let the parameters of :meth:`foreground`, of :meth:`decode`, or of both be trained."""
        own = self._own_parts()
        for part in own["semantic"]:
            part.requires_grad_(semantic)
        for part in own["prompted"]:
            part.requires_grad_(prompted)

    def _scene(self, embedding: Tensor) -> Scene:
        y, x = embedding.shape[2:]
        return self.decoder.share(embedding, self.prompts.places.grid(y, x))

    def _prompts(
        self, points: Tensor, labels: Tensor, grid: tuple[int, int], image_size: tuple[int, int] | None
    ) -> Prompts:
        height, width = grid[0] * PATCH, grid[1] * PATCH
        if image_size is not None:
            scale = torch.tensor([width / image_size[1], height / image_size[0]], device=points.device)
            points = torch.where(points >= 0, points * scale, points)
        prompts: Prompts = self.prompts(points, labels, image_size=(height, width))
        return prompts

    def _masks(self, weights_BQMC: Tensor, rows_BQNC: Tensor, grid: tuple[int, int]) -> Tensor:
        pixels_ZNSC = self.decoder.upscale(rows_BQNC.flatten(0, 1))
        logits = masks(weights_BQMC.flatten(0, 1), pixels_ZNSC, grid=grid)
        return torch.unflatten(logits, 0, weights_BQMC.shape[:2])

    def _kept(self, answer: Answer, grid: tuple[int, int], least_iou: float) -> Chunk:
        iou_QM = self.decoder.predicted_iou(answer)[0]
        kept_QM = iou_QM >= least_iou
        query, mask = kept_QM.nonzero(as_tuple=True)
        asked = kept_QM.any(1)
        if not len(query):
            return Chunk(query, mask, iou_QM[kept_QM], answer.rows.new_zeros(0, 4 * grid[0], 4 * grid[1]))
        logits = self._masks(self.decoder.weights(answer)[:, asked], answer.rows[:, asked], grid)[0]
        return Chunk(query, mask, iou_QM[kept_QM], logits[kept_QM[asked]])

    def _own_parts(self) -> dict[str, list[nn.Module]]:
        """Return what each mode has for itself."""
        decoder = self.decoder
        distance = [decoder.distance_weigher] if decoder.distance_weigher else []
        return {
            "semantic": [decoder.weighers[0], *distance],
            "prompted": [*decoder.weighers[1:], decoder.iou],
        }


def _chunks(length: int, chunk: int) -> Iterator[slice]:
    return (slice(start, start + chunk) for start in range(0, length, chunk))


def _enlarged(low: Float[Tensor, "b m y x"]) -> Float[Tensor, "b m h w"]:
    return functional.interpolate(low, scale_factor=4, mode="bicubic", align_corners=False)
