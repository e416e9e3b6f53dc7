"""Sizes of a VM-UNetV2."""

from typing import Annotated

from pydantic import Field

from graticule.models.architecture import NetworkConfig

Size = Annotated[int, Field(ge=1)]


class VmUnetConfig(NetworkConfig):
    """Sizes of a :class:`~graticule.models.vm_unet.network.VmUnet`; the defaults are the paper's.

    The published network also runs a fourth stage's blocks whose result nobody reads. They
    are left out here, so a published ``depths`` of 2 2 6 2 is 2 2 6: the paper counts 3,145,179
    parameters, the published code with these sizes 3,143,602, of which 1,731,788 reach the
    output and exist here.
    """

    dims: tuple[Size, Size, Size, Size] = (36, 72, 144, 288)
    """Channels of the features at 1/4, 1/8, 1/16 and 1/32 of the image."""
    depths: tuple[Size, Size, Size] = (2, 2, 6)
    """Blocks that run at 1/4, 1/8 and 1/16."""
    d_state: Size = 16
    """States per channel of a selective scan."""
    mid: Size = 18
    """Channels of the decoder."""
    distance: bool = False
    """Whether a second channel tells the distance to the particle's outline."""


PUBLISHED = VmUnetConfig(dims=(96, 192, 384, 768), depths=(2, 2, 9), mid=48)
"""The default sizes of the published code: 22,770,934 parameters there, 13,822,100 here."""
