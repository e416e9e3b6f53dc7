"""VM-UNetV2: an encoder of selective scans, fused at all scales, decoded to a foreground logit.

The paper calls it VMamba. Source: VM-UNetV2, arXiv:2403.09157.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from graticule.models.learned.output import SemanticOutput
from graticule.models.vm_unet.config import VmUnetConfig
from graticule.models.vm_unet.decoder import Decoder, Head
from graticule.models.vm_unet.encoder import Encoder, Stage
from graticule.models.vm_unet.fusion import Fusion

MULTIPLE = 32


class VmUnet(nn.Module):
    """Tells foreground from background, and on request how deep in its particle a pixel lies."""

    def __init__(self, config: VmUnetConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.fusion = Fusion(config.dims, config.mid)
        self.decoder = Decoder(config.mid)
        self.heads = nn.ModuleList(Head(config.mid) for _ in range(1 + config.distance))

    @property
    def checkpointing(self) -> bool:
        """Whether blocks are run again in the backward pass instead of keeping what they computed."""
        return any(stage.checkpointing for stage in self._stages())

    @checkpointing.setter
    def checkpointing(self, wanted: bool) -> None:
        for stage in self._stages():
            stage.checkpointing = wanted

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b c h w"]:
        """Return the foreground's logit and, with ``config.distance``, the distance's.

        Args:
            images: RGB in 0..1; height and width multiples of 32.

        Raises:
            ValueError: If they are not.
        """
        height, width = images.shape[2:]
        if height % MULTIPLE or width % MULTIPLE or not images.numel():
            raise ValueError(f"need height and width in multiples of {MULTIPLE}, got {height} x {width}")
        fine, coarse = self.decoder(self.fusion(self.encoder(images)))
        return torch.cat([head(fine, coarse) for head in self.heads], dim=1)

    def foreground(self, images: Float[Tensor, "b 3 h w"]) -> SemanticOutput:
        """Return logit and distance; input and errors as for :meth:`forward`."""
        told = self(images)
        distance = torch.sigmoid(told[:, 1:]) if self.config.distance else None
        return SemanticOutput(logit=told[:, :1], distance=distance)

    def _stages(self) -> list[Stage]:
        return [stage for stage in self.encoder.stages if isinstance(stage, Stage)]
