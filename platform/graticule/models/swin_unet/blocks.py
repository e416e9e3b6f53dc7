"""A transformer block whose attention stays inside (shifted) windows.

Letters: B images, H x W tokens, D channels, M windows over all images, N tokens of a window,
A heads, E channels of a head.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from graticule.models.swin_unet.windows import join, offset_index, partition, strangers

STRANGER = -100.0
"""Added to the attention between strangers, as published; exp(-100) is nothing."""
MLP_RATIO = 4


class WindowAttention(nn.Module):
    """Multi-head attention inside windows, with a learnt bias for each offset between two tokens."""

    offsets: Tensor

    def __init__(self, dim: int, heads: int, window: int) -> None:
        super().__init__()
        self.heads, self.window = heads, window
        self.qkv = nn.Linear(dim, 3 * dim)
        self.project = nn.Linear(dim, dim)
        self.bias_table = nn.Parameter(torch.empty((2 * window - 1) ** 2, heads))
        self.register_buffer("offsets", offset_index(window), persistent=False)

    def forward(self, tokens: Float[Tensor, "b h w d"], *, shift: int) -> Float[Tensor, "b h w d"]:
        """Let the tokens of each window attend to each other.

        Args:
            tokens: The map, already rolled by ``-shift``.
            shift: How far it was rolled, in tokens.
        """
        size = (tokens.shape[1], tokens.shape[2])
        windows_MND = partition(tokens, self.window)
        q_MANE, k_MANE, v_MANE = self._split(self.qkv(windows_MND))
        bias = self._bias(len(tokens), size, shift)
        mixed_MANE = scaled_dot_product_attention(q_MANE, k_MANE, v_MANE, attn_mask=bias.to(q_MANE.dtype))
        return join(self.project(mixed_MANE.transpose(1, 2).flatten(2)), size, self.window)

    def _split(self, qkv: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        parts = qkv.reshape(*qkv.shape[:2], 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        return parts[0], parts[1], parts[2]

    def _bias(self, batch: int, size: tuple[int, int], shift: int) -> Tensor:
        """Return what is added to the attention: (1, A, N, N), or (M, A, N, N) if shifted."""
        bias_1ANN = self.bias_table[self.offsets].permute(2, 0, 1)[None]
        if not shift:
            return bias_1ANN
        apart = strangers(size, self.window, shift, bias_1ANN.device)
        bias_MANN = bias_1ANN + STRANGER * apart[:, None].to(bias_1ANN.dtype)
        return bias_MANN.repeat(batch, 1, 1, 1) if batch > 1 else bias_MANN


class DropPath(nn.Module):
    """In training, drop a whole branch for some of the samples (stochastic depth).

    Source: G. Huang et al., "Deep networks with stochastic depth", ECCV 2016.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, branch: Float[Tensor, "b h w d"]) -> Float[Tensor, "b h w d"]:
        """Return the branch, zero for the dropped samples and scaled up for the others."""
        if not self.training or self.rate == 0:
            return branch
        kept = torch.rand((len(branch), 1, 1, 1), device=branch.device) >= self.rate
        scale: Tensor = torch.where(kept, 1 / (1 - self.rate), 0.0)
        return branch * scale.to(branch.dtype)


class SwinBlock(nn.Module):
    """Window attention, then a two-layer perceptron, each normalised first and added."""

    def __init__(self, dim: int, heads: int, *, window: int, shifted: bool, drop_path: float) -> None:
        super().__init__()
        self.window, self.shifted = window, shifted
        self.attention_norm = nn.LayerNorm(dim)
        self.attention = WindowAttention(dim, heads, window)
        self.mlp_norm = nn.LayerNorm(dim)
        self.mlp = nn.Sequential(nn.Linear(dim, MLP_RATIO * dim), nn.GELU(), nn.Linear(MLP_RATIO * dim, dim))
        self.drop_path = DropPath(drop_path)

    def forward(self, tokens: Float[Tensor, "b h w d"]) -> Float[Tensor, "b h w d"]:
        """Return the tokens with what their windows, and each for itself, add to them."""
        tokens = tokens + self.drop_path(self._attend(self.attention_norm(tokens)))
        added: Tensor = self.drop_path(self.mlp(self.mlp_norm(tokens)))
        return tokens + added

    def _attend(self, tokens: Tensor) -> Tensor:
        # A map no larger than a window has nothing beyond it to shift to.
        beyond = min(tokens.shape[1:3]) > self.window
        shift = self.window // 2 if self.shifted and beyond else 0
        if shift:
            tokens = tokens.roll((-shift, -shift), (1, 2))
        mixed: Tensor = self.attention(tokens, shift=shift)
        return mixed.roll((shift, shift), (1, 2)) if shift else mixed
