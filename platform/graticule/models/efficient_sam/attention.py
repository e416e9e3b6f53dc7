"""Attention between the few tokens of a prompt and the many rows of an image.

A prompt has about 7 tokens, an image 4096 rows, so no row is ever projected for one prompt
alone: a score ``(W_q token) . (W_k row)`` is ``(W_k^T W_q token) . row``, and a mean of
projected rows is the projection of a mean of rows. What all prompts share (rows of the first
layer, positions) is projected once per image. The bias of a key adds the same to all scores
of a query and drops out of the softmax; it is kept for the published layout, but neither used
nor trained.

Letters: B images, Q prompts, T tokens, N rows, C channels, H heads, D channels of a head.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

HEADS = 8


class Shared(NamedTuple):
    """The image side of an attention as far as all prompts share it, split into heads.

    Both are (B, H, N, D). Where each prompt has rows of its own, ``scored`` comes from the
    positions of rows alone, and there are no ``values``.
    """

    scored: Tensor
    values: Tensor | None = None


class Attention(nn.Module):
    """The four projections of a multi-head attention."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.query = nn.Linear(width, inner)
        self.key = nn.Linear(width, inner)
        self.value = nn.Linear(width, inner)
        self.out = nn.Linear(inner, width)
        self.key.bias.requires_grad_(False)
        self.scale = (inner // HEADS) ** -0.5

    def queries(self, x_XTC: Tensor) -> Tensor:
        """Queries split into heads."""
        return _split(self.query(x_XTC))

    def keys(self, x_XTC: Tensor) -> Tensor:
        """Keys without their bias, split into heads."""
        return _split(functional.linear(x_XTC, self.key.weight))

    def values(self, x_XTC: Tensor) -> Tensor:
        """Values split into heads."""
        return _split(self.value(x_XTC))


class TokenAttention(Attention):
    """Tokens of a prompt look at each other."""

    def forward(self, tokens_BQTC: Tensor, log_counts_T: Tensor) -> Tensor:
        """Return what to add to the tokens, of which one may stand for several equal ones."""
        queries = self.queries(tokens_BQTC) * self.scale
        scores = queries @ self.keys(tokens_BQTC).transpose(-1, -2) + log_counts_T
        out: Tensor = self.out(_join(scores.softmax(-1) @ self.values(tokens_BQTC)))
        return out


class ReadImage(Attention):
    """Tokens look at the image."""

    def share(self, keyed_BNC: Tensor, rows_BNC: Tensor | None = None) -> Shared:
        """Project what all prompts share: rows with positions and rows, or positions alone."""
        return Shared(self.keys(keyed_BNC), None if rows_BNC is None else self.values(rows_BNC))

    def forward(self, tokens_BQTC: Tensor, shared: Shared, rows_BQNC: Tensor | None = None) -> Tensor:
        """Return what to add to the tokens; ``rows`` where each prompt has an image of its own."""
        queries = self.queries(tokens_BQTC) * self.scale
        if rows_BQNC is None:
            mixed = self._mean_of_shared(queries, shared)
        else:
            mixed = self._mean_of_own(queries, shared, rows_BQNC)
        out: Tensor = self.out(_join(mixed))
        return out

    def _mean_of_shared(self, queries_BQHTD: Tensor, shared: Shared) -> Tensor:
        assert shared.values is not None
        scores = _together(queries_BQHTD) @ shared.scored.transpose(-1, -2)
        return _apart(scores.softmax(-1) @ shared.values, queries_BQHTD.shape[1])

    def _mean_of_own(self, queries_BQHTD: Tensor, shared: Shared, rows_BQNC: Tensor) -> Tensor:
        scores = _scores(queries_BQHTD, shared, self.key.weight, rows_BQNC)
        means = scores.flatten(2, 3).softmax(-1).flatten(0, 1) @ rows_BQNC.flatten(0, 1)
        means_BQHTC = means.view(*scores.shape[:4], -1)
        weight_HCD = torch.unflatten(self.value.weight, 0, (HEADS, -1)).transpose(1, 2)
        projected_BHSD = _together(means_BQHTC) @ weight_HCD
        bias_HD = torch.unflatten(self.value.bias, 0, (HEADS, -1))
        return _apart(projected_BHSD, scores.shape[1]) + bias_HD[:, None]


class WriteImage(Attention):
    """The image looks at the tokens of a prompt, and is changed by them."""

    def share(self, queried_BNC: Tensor) -> Shared:
        """Project what all prompts share: rows with positions, or positions alone."""
        return Shared(self.queries(queried_BNC))

    def shares(
        self, keyed_BQTC: Tensor, log_counts_T: Tensor, shared: Shared, rows_BQNC: Tensor | None = None
    ) -> Tensor:
        """Return how much of each token every row takes, (B, Q, H, T, N)."""
        keys = self.keys(keyed_BQTC) * self.scale
        if rows_BQNC is None:
            scores = _shared_scores(keys, shared)
        else:
            scores = _scores(keys, shared, self.query.weight, rows_BQNC)
        return (scores + log_counts_T[:, None]).softmax(-2)

    def forward(self, shares_BQHTN: Tensor, tokens_BQTC: Tensor, rows_BQNC: Tensor) -> Tensor:
        """Return the rows with their shares of what the tokens write added."""
        weight_HDC = torch.unflatten(self.out.weight, 1, (HEADS, -1)).permute(1, 2, 0)
        # The shares of a head sum to 1, so the bias may be dealt out to them.
        written_BHSC = _together(self.values(tokens_BQTC)) @ weight_HDC + self.out.bias / HEADS
        written = _apart(written_BHSC, tokens_BQTC.shape[1]).flatten(2, 3).flatten(0, 1)
        shares = shares_BQHTN.flatten(2, 3).flatten(0, 1)
        changed = torch.baddbmm(rows_BQNC.flatten(0, 1), shares.transpose(1, 2), written)
        return changed.view(rows_BQNC.shape)


def _scores(few_BQHTD: Tensor, shared: Shared, weight_IC: Tensor, rows_BQNC: Tensor) -> Tensor:
    """Scores of tokens and rows, (B, Q, H, T, N), the projection ``weight`` moved to the tokens' side."""
    weight_HDC = torch.unflatten(weight_IC, 0, (HEADS, -1))
    folded = _apart(_together(few_BQHTD) @ weight_HDC, few_BQHTD.shape[1])
    positions = _shared_scores(few_BQHTD, shared)
    scores = torch.baddbmm(
        positions.flatten(2, 3).flatten(0, 1),
        folded.flatten(2, 3).flatten(0, 1),
        rows_BQNC.flatten(0, 1).transpose(1, 2),
    )
    return scores.view(positions.shape)


def _shared_scores(few_BQHTD: Tensor, shared: Shared) -> Tensor:
    scores_BHSN = _together(few_BQHTD) @ shared.scored.transpose(-1, -2)
    return _apart(scores_BHSN, few_BQHTD.shape[1])


def _split(x_XTI: Tensor) -> Tensor:
    """Channels into heads: (..., T, I) -> (..., H, T, D)."""
    return torch.unflatten(x_XTI, -1, (HEADS, -1)).transpose(-2, -3)


def _join(x_XHTD: Tensor) -> Tensor:
    """Heads into channels: (..., H, T, D) -> (..., T, I)."""
    return x_XHTD.transpose(-2, -3).flatten(-2)


def _together(x_BQHTD: Tensor) -> Tensor:
    """All prompts' tokens in one matrix: (B, Q, H, T, D) -> (B, H, S = Q T, D)."""
    return x_BQHTD.transpose(1, 2).flatten(2, 3)


def _apart(x_BHSD: Tensor, prompts: int) -> Tensor:
    """The inverse of :func:`_together`."""
    return torch.unflatten(x_BHSD, 2, (prompts, -1)).transpose(1, 2)
