"""Swin-UNet: stages of window attention down and up again, joined by skips.

Letters: B images, H x W tokens, D channels.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from graticule.models.learned.output import SemanticOutput
from graticule.models.swin_unet.blocks import SwinBlock, WindowAttention
from graticule.models.swin_unet.config import SwinUnetConfig
from graticule.models.swin_unet.resample import PatchEmbed, PatchExpand, PatchMerge, PixelHead

INIT_STD = 0.02


class SwinUnetNetwork(nn.Module):
    """The network; images are RGB in 0..1 and go in as they are, as in the published code.

    ``checkpointing`` makes training forget what a block computed and compute it again for the
    gradient: slower, in less memory.
    """

    def __init__(self, config: SwinUnetConfig | None = None, *, checkpointing: bool = False) -> None:
        super().__init__()
        self.config = config = config or SwinUnetConfig()
        self.checkpointing = checkpointing
        dims = config.stage_dims
        self.embed = PatchEmbed(config.embed, patch=config.patch)
        self.encoder = nn.ModuleList(_stage(config, level) for level in range(len(dims)))
        self.merges = nn.ModuleList(PatchMerge(dim) for dim in dims[:-1])
        self.bottom_norm = nn.LayerNorm(dims[-1])
        upwards = list(reversed(range(len(dims) - 1)))
        self.expands = nn.ModuleList(PatchExpand(2 * dims[level]) for level in upwards)
        self.skips = nn.ModuleList(nn.Linear(2 * dims[level], dims[level]) for level in upwards)
        self.decoder = nn.ModuleList(_stage(config, level) for level in upwards)
        self.top_norm = nn.LayerNorm(config.embed)
        channels = config.classes + config.distance
        self.head = PixelHead(config.embed, patch=config.patch, out=channels)
        self.apply(_initialise)

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b c h w"]:
        """Return the logits of the classes, then that of the centre distance if there is one.

        Raises:
            ValueError: If an edge is not a multiple of ``config.multiple`` pixels.
        """
        _check_size(images, self.config.multiple)
        tokens, seen = self._down(images)
        logits: Tensor = self.head(self.top_norm(self._up(self.bottom_norm(tokens), seen)))
        return logits

    def foreground(self, images: Float[Tensor, "b 3 h w"]) -> SemanticOutput:
        """Return the logit of "not background", and the centre distance in 0..1 if there is one.

        Raises:
            ValueError: If an edge is not a multiple of ``config.multiple`` pixels.
        """
        out = self(images)
        classes = out[:, : self.config.classes]
        particles = classes[:, 1:].logsumexp(1, keepdim=True)
        logit = particles - classes[:, :1] if self.config.classes > 1 else classes
        distance = out[:, self.config.classes :].sigmoid() if self.config.distance else None
        return SemanticOutput(logit=logit, distance=distance)

    def _down(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Return the bottleneck's tokens and what entered each stage above it, finest last."""
        tokens = self.embed(images)
        seen: list[Tensor] = []
        for stage, merge in zip(self.encoder, self.merges, strict=False):
            seen.insert(0, tokens)
            tokens = merge(self._through(stage, tokens))
        return self._through(self.encoder[-1], tokens), seen

    def _up(self, tokens: Tensor, seen: list[Tensor]) -> Tensor:
        for expand, skip, stage, finer in zip(self.expands, self.skips, self.decoder, seen, strict=True):
            tokens = self._through(stage, skip(torch.cat([expand(tokens), finer], -1)))
        return tokens

    def _through(self, stage: nn.Module, tokens: Tensor) -> Tensor:
        for block in stage.children():
            if self.checkpointing and torch.is_grad_enabled():
                tokens = checkpoint(block, tokens, use_reentrant=False)
            else:
                tokens = block(tokens)
        return tokens


def _stage(config: SwinUnetConfig, level: int) -> nn.ModuleList:
    dim, heads = config.stage_dims[level], config.heads[level]
    return nn.ModuleList(
        SwinBlock(dim, heads, window=config.window, shifted=block % 2 == 1, drop_path=rate)
        for block, rate in enumerate(config.drop_rates[level])
    )


def _check_size(images: Tensor, multiple: int) -> None:
    height, width = images.shape[-2:]
    if height % multiple or width % multiple or not height * width:
        raise ValueError(
            f"an image of {height} x {width} pixels does not fit this Swin-UNet; "
            f"both edges must be multiples of {multiple}"
        )


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=INIT_STD)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    if isinstance(module, WindowAttention):
        nn.init.trunc_normal_(module.bias_table, std=INIT_STD)
