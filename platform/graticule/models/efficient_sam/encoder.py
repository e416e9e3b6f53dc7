"""The image encoder: a plain vision transformer on patches of 16 x 16 pixels.

Letters: B images, N patches, C channels, H attention heads, D channels of a head.
Source: Xiong et al. 2024, https://arxiv.org/abs/2312.00863.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

PATCH = 16
EMBEDDING = 256
GRID = 14
"""The position table is one of 14 x 14 patches (224 pixels), whatever the image's size."""


class Encoder(nn.Module):
    """Normalised images -> embedding, one vector of 256 channels per patch."""

    def __init__(self, *, width: int, depth: int, heads: int) -> None:
        super().__init__()
        self.checkpointing = False
        # Row 0 stood for the class token of the pre-training and is not read.
        self.positions = nn.Parameter(torch.randn(1, 1 + GRID**2, width) * 0.02)
        self.patches = nn.Conv2d(3, width, PATCH, PATCH)
        self.blocks = nn.ModuleList([Block(width, heads) for _ in range(depth)])
        self.neck = nn.Sequential(
            nn.Conv2d(width, EMBEDDING, 1, bias=False),
            ChannelNorm(EMBEDDING),
            nn.Conv2d(EMBEDDING, EMBEDDING, 3, padding=1, bias=False),
            ChannelNorm(EMBEDDING),
        )

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 256 y x"]:
        """Return the embedding, y = h / 16, x = w / 16."""
        patches = self.patches(images)
        y, x = patches.shape[-2:]
        tokens_BNC = patches.flatten(2).transpose(1, 2) + self.positions_at(y, x)
        for block in self.blocks:
            if self.checkpointing and torch.is_grad_enabled():
                tokens_BNC = checkpoint(block, tokens_BNC, use_reentrant=False)
            else:
                tokens_BNC = block(tokens_BNC)
        embedding: Tensor = self.neck(torch.unflatten(tokens_BNC.transpose(1, 2), 2, (y, x)))
        return embedding

    def positions_at(self, y: int, x: int) -> Float[Tensor, "1 n c"]:
        """Return the position table, resampled (bicubic) to a grid of y x x patches."""
        table = torch.unflatten(self.positions[:, 1:].transpose(1, 2), 2, (GRID, GRID))
        if (y, x) != (GRID, GRID):
            table = functional.interpolate(table, size=(y, x), mode="bicubic", align_corners=False)
        return table.flatten(2).transpose(1, 2)


class Block(nn.Module):
    """Attention among all patches, then a perceptron on each; both pre-normalised."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attention = PatchAttention(width, heads)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, tokens: Float[Tensor, "b n c"]) -> Float[Tensor, "b n c"]:
        """Return the tokens changed."""
        tokens = tokens + self.attention(self.norm1(tokens))
        changed: Tensor = tokens + self.mlp(self.norm2(tokens))
        return changed


class PatchAttention(nn.Module):
    """Softmax attention of every patch to every patch."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, tokens: Float[Tensor, "b n c"]) -> Float[Tensor, "b n c"]:
        """Return what to add to the tokens."""
        qkv_BN3HD = torch.unflatten(self.qkv(tokens), 2, (3, self.heads, -1))
        query, key, value = qkv_BN3HD.permute(2, 0, 3, 1, 4).unbind(0)
        mixed_BHND = functional.scaled_dot_product_attention(query, key, value)
        out: Tensor = self.out(mixed_BHND.transpose(1, 2).flatten(2))
        return out


class ChannelNorm(nn.LayerNorm):
    """Layer normalisation of each pixel over its channels."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, eps=1e-6)

    def forward(self, image: Float[Tensor, "b c y x"]) -> Float[Tensor, "b c y x"]:
        """Return the image with mean 0 and deviation 1 at each pixel, then scaled by channel."""
        return super().forward(image.movedim(1, -1)).movedim(-1, 1)
