"""SS2D: mix an image's pixels by selective scans in four orders.

Source: VMamba, arXiv:2401.10166; the start values of the scan: Mamba, arXiv:2312.00752, 3.6.

Letters: B batch, H W height and width, E channels outside, D channels inside (2 E), L = H W,
K the four orders, N states per channel, R rank of the step size's projection.
"""

from math import ceil, exp, log

import torch
from jaxtyping import Float
from torch import Tensor, nn

from graticule.models.selective_scan import selective_scan
from graticule.models.vm_unet.orders import ORDERS, roll_up, unroll

STEPS = (1e-3, 1e-1)
"""Step sizes at the start of training lie between these."""


class Mixer(nn.Module):
    """Gated selective scans over the image, (b, h, w, channels) -> the same shape."""

    def __init__(self, channels: int, *, d_state: int) -> None:
        super().__init__()
        inner, rank = 2 * channels, ceil(channels / 16)
        self.sizes = [rank, d_state, d_state]
        self.enter = nn.Linear(channels, 2 * inner, bias=False)
        self.nearby = nn.Conv2d(inner, inner, 3, padding=1, groups=inner)
        self.select = nn.Parameter(_uniform(ORDERS, sum(self.sizes), inner, bound=inner**-0.5))
        self.step = nn.Parameter(_uniform(ORDERS, inner, rank, bound=rank**-0.5))
        self.step_bias = nn.Parameter(_first_steps(ORDERS, inner))
        rates = torch.arange(1, d_state + 1, dtype=torch.float32)
        self.log_rate = nn.Parameter(rates.log().repeat(ORDERS * inner, 1))
        self.skip = nn.Parameter(torch.ones(ORDERS * inner))
        self.norm = nn.LayerNorm(inner)
        self.leave = nn.Linear(inner, channels, bias=False)

    def forward(self, tokens_BHWE: Float[Tensor, "b h w e"]) -> Float[Tensor, "b h w e"]:
        """Return the tokens mixed with each other, without the residual."""
        content_BHWD, gate_BHWD = self.enter(tokens_BHWE).chunk(2, dim=-1)
        content_BDHW = nn.functional.silu(self.nearby(content_BHWD.permute(0, 3, 1, 2)))
        scanned_BKDL = self._scanned(unroll(content_BDHW.contiguous()))
        mixed_BDHW = roll_up(scanned_BKDL, content_BDHW.shape[2])
        mixed_BHWD = self.norm(mixed_BDHW.permute(0, 2, 3, 1))
        left: Tensor = self.leave(mixed_BHWD * nn.functional.silu(gate_BHWD))
        return left

    def _scanned(self, content_BKDL: Tensor) -> Tensor:
        selected = torch.matmul(self.select, content_BKDL)
        step_BKRL, write_BKNL, read_BKNL = torch.split(selected, self.sizes, dim=2)
        step_BKDL = torch.matmul(self.step, step_BKRL)
        scanned = selective_scan(
            content_BKDL.flatten(1, 2),
            step_BKDL.flatten(1, 2),
            -self.log_rate.float().exp(),
            write_BKNL,
            read_BKNL,
            self.skip.float(),
            delta_bias=self.step_bias.float().flatten(),
            delta_softplus=True,
        )
        assert isinstance(scanned, Tensor)
        return scanned.view_as(content_BKDL)


def _uniform(*shape: int, bound: float) -> Tensor:
    return torch.empty(*shape).uniform_(-bound, bound)


def _first_steps(*shape: int) -> Tensor:
    """Return biases whose softplus is spread evenly, in its logarithm, over :data:`STEPS`."""
    least, most = (log(step) for step in STEPS)
    steps = torch.empty(*shape).uniform_(least, most).exp().clamp(min=exp(least))
    return steps + (-torch.expm1(-steps)).log()
