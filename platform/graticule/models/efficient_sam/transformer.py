"""The two-way transformer: tokens of a prompt and rows of an image change each other.

Letters: B images, Q prompts, T tokens, N rows, C channels.
Source: Kirillov et al. 2023, https://arxiv.org/abs/2304.02643, appendix A.
"""

from typing import NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from graticule.models.efficient_sam.attention import ReadImage, Shared, TokenAttention, WriteImage

HIDDEN = 2048


class Scene(NamedTuple):
    """What all prompts of an image share, computed once."""

    rows: Tensor
    """Of the embedding, (B, N, C)."""
    read: tuple[Shared, ...]
    """By layer, then that of the final attention."""
    write: tuple[Shared, ...]
    """By layer."""


class TwoWayLayer(nn.Module):
    """Tokens among each other, tokens read the image, a perceptron, tokens write to the image."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.among = TokenAttention(width, width)
        self.norm1 = nn.LayerNorm(width)
        self.read = ReadImage(width, width // 2)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, HIDDEN), nn.GELU(), nn.Linear(HIDDEN, width))
        self.norm3 = nn.LayerNorm(width)
        self.write = WriteImage(width, width // 2)
        self.norm4 = nn.LayerNorm(width)

    def forward(
        self,
        tokens_BQTC: Tensor,
        prompts_BQTC: Tensor,
        log_counts_T: Tensor,
        shared: tuple[Shared, Shared],
        rows_BNC: Tensor,
        rows_BQNC: Tensor | None,
    ) -> tuple[Tensor, Tensor]:
        """Return tokens and rows (B, Q, N, C).

        ``rows_BNC`` are the rows that all prompts start from, ``rows_BQNC`` what each has made of them.
        """
        read, write = shared
        if rows_BQNC is not None:  # From the second layer on the prompts are added once more, to stay.
            tokens_BQTC = tokens_BQTC + prompts_BQTC
        tokens = self.norm1(tokens_BQTC + self.among(tokens_BQTC, log_counts_T))
        tokens = self.norm2(tokens + self.read(tokens + prompts_BQTC, read, rows_BQNC))
        tokens = self.norm3(tokens + self.mlp(tokens))
        shares = self.write.shares(tokens + prompts_BQTC, log_counts_T, write, rows_BQNC)
        if rows_BQNC is None:
            rows_BQNC = rows_BNC[:, None].expand(-1, tokens.shape[1], -1, -1)
        return tokens, self.norm4(self.write(shares, tokens, rows_BQNC))


class TwoWayTransformer(nn.Module):
    """Two layers and a last look at the image."""

    def __init__(self, width: int, depth: int = 2) -> None:
        super().__init__()
        self.checkpointing = False
        self.layers = nn.ModuleList(TwoWayLayer(width) for _ in range(depth))
        self.last_read = ReadImage(width, width // 2)
        self.last_norm = nn.LayerNorm(width)

    def share(self, rows_BNC: Tensor, places_NC: Tensor) -> Scene:
        """Project what all prompts of an image share: its first rows, and the places of rows."""
        places = places_NC[None]
        keyed = rows_BNC + places
        first, *others = cast("list[TwoWayLayer]", list(self.layers))
        return Scene(
            rows_BNC,
            (
                first.read.share(keyed, rows_BNC),
                *(o.read.share(places) for o in others),
                self.last_read.share(places),
            ),
            (first.write.share(keyed), *(other.write.share(places) for other in others)),
        )

    def forward(
        self, scene: Scene, prompts_BQTC: Tensor, log_counts_T: Tensor, answering: slice
    ) -> tuple[Tensor, Tensor]:
        """Return the answers of the tokens ``answering``, and the image as each prompt sees it.

        Args:
            scene: What :meth:`share` made of the images.
            prompts_BQTC: The tokens.
            log_counts_T: Logarithm of the number of equal tokens that each stands for.
            answering: The tokens whose answer is wanted.
        """
        tokens, rows = prompts_BQTC, None
        for layer, *shared in zip(self.layers, scene.read[:-1], scene.write, strict=True):
            arguments = (tokens, prompts_BQTC, log_counts_T, tuple(shared), scene.rows, rows)
            if self.checkpointing and torch.is_grad_enabled():
                tokens, rows = checkpoint(layer, *arguments, use_reentrant=False)
            else:
                tokens, rows = layer(*arguments)
        asked = tokens[:, :, answering]
        read = self.last_read(asked + prompts_BQTC[:, :, answering], scene.read[-1], rows)
        assert rows is not None
        return self.last_norm(asked + read), rows
