"""What the loader, the segmenters and the benchmarks must know of a kind of network."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn

from graticule.core.registry import look_up

State = Mapping[str, Tensor]
"""Parameters and buffers by name."""


class NetworkConfig(BaseModel):
    """Base of all networks' sizes; saved in the header of a weights file."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """A kind of network: its sizes, how it is built, and how published weights become ours."""

    name: str
    native_size: int
    """Edge in pixels of the square image of the paper's comparison."""
    default_view_px: int
    """Edge in pixels of what it is shown of a larger frame; below ``native_size`` it is magnified."""
    config: type[NetworkConfig]
    """Sizes; its defaults are those of the paper, or the nearest faithful ones."""
    build: Callable[[Any], nn.Module]
    """A config -> the network, with random weights."""
    published: Callable[[State], tuple[NetworkConfig, dict[str, Tensor]]]
    """A published state dict -> the config it was made with, and the same values by our names.

    Raises KeyError naming the first key that a published state dict should have and this one lacks.
    """
    licence: str
    """Of the published implementation and its weights, by SPDX name."""
    source: str
    """Where network and published weights are described."""


ARCHITECTURES = {
    "efficient-sam-ti": "graticule.models.efficient_sam:ARCHITECTURE",
    "swin-unet": "graticule.models.swin_unet:ARCHITECTURE",
    "vmamba": "graticule.models.vm_unet:ARCHITECTURE",
    "yolov8n-seg": "graticule.models.yolo:ARCHITECTURE",
}
"""Name of a segmenter's network -> its :class:`Architecture`."""
TRACKERS = {"deaot-t": "graticule.tracking.deaot:ARCHITECTURE"}
"""Name of a tracker's network -> its :class:`Architecture`; made a step above, and found by name alone."""


def architecture(name: str) -> Architecture:
    """Return the architecture called ``name``, of a segmenter or a tracker.

    Raises:
        UnknownNameError: If there is none of that name.
    """
    found: Architecture = look_up("network", {**ARCHITECTURES, **TRACKERS}, name)
    return found
