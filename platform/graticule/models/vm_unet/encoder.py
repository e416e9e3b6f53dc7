"""The encoder: four features of an image, each twice as coarse as the one before.

Source: VM-UNetV2, arXiv:2403.09157.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from graticule.models.vm_unet.config import VmUnetConfig
from graticule.models.vm_unet.mixer import Mixer

PATCH = 4


class PatchEmbedding(nn.Module):
    """Each square of 4 x 4 pixels becomes one normalised vector."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.project = nn.Conv2d(3, channels, PATCH, stride=PATCH)
        self.norm = nn.LayerNorm(channels)

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b h/4 w/4 e"]:
        """Return one vector per square."""
        embedded: Tensor = self.norm(self.project(images).permute(0, 2, 3, 1))
        return embedded


class Block(nn.Module):
    """``x + Mixer(LayerNorm(x))``; a VSS block has no perceptron of its own."""

    def __init__(self, channels: int, *, d_state: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.mixer = Mixer(channels, d_state=d_state)

    def forward(self, tokens: Float[Tensor, "b h w e"]) -> Float[Tensor, "b h w e"]:
        """Return the tokens with what they learnt of each other."""
        mixed: Tensor = tokens + self.mixer(self.norm(tokens))
        return mixed


class Merging(nn.Module):
    """Four neighbours become one vector: half the height, half the width."""

    def __init__(self, channels: int, merged: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(4 * channels)
        self.reduce = nn.Linear(4 * channels, merged, bias=False)

    def forward(self, tokens: Float[Tensor, "b h w e"]) -> Float[Tensor, "b h/2 w/2 f"]:
        """Return one vector per square of 2 x 2; in a square, rows run before columns, as published."""
        batch, height, width, channels = tokens.shape
        squares = tokens.view(batch, height // 2, 2, width // 2, 2, channels)
        neighbours = squares.permute(0, 1, 3, 4, 2, 5).flatten(3)
        merged: Tensor = self.reduce(self.norm(neighbours))
        return merged


class Stage(nn.Module):
    """Blocks at one resolution, then the step to the next coarser one."""

    def __init__(self, channels: int, merged: int, *, depth: int, d_state: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Block(channels, d_state=d_state) for _ in range(depth))
        self.merging = Merging(channels, merged)
        self.checkpointing = False

    def forward(self, tokens: Float[Tensor, "b h w e"]) -> Float[Tensor, "b h/2 w/2 f"]:
        """Return the coarser tokens."""
        for block in self.blocks:
            if self.checkpointing and torch.is_grad_enabled():
                tokens = checkpoint(block, tokens, use_reentrant=False)
            else:
                tokens = block(tokens)
        merged: Tensor = self.merging(tokens)
        return merged


class Encoder(nn.Module):
    """Images -> features at 1/4, 1/8, 1/16 and 1/32."""

    def __init__(self, config: VmUnetConfig) -> None:
        super().__init__()
        self.embedding = PatchEmbedding(config.dims[0])
        steps = zip(config.dims[:-1], config.dims[1:], config.depths, strict=True)
        self.stages = nn.ModuleList(
            Stage(channels, merged, depth=depth, d_state=config.d_state) for channels, merged, depth in steps
        )

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> list[Float[Tensor, "b _ _ _"]]:
        """Return the features, (b, channels, y, x), the finest first.

        They are the *inputs* of the published stages, which is why its last stage is missing.
        """
        tokens = self.embedding(images)
        features = [tokens]
        for stage in self.stages:
            tokens = stage(tokens)
            features.append(tokens)
        return [feature.permute(0, 3, 1, 2) for feature in features]
