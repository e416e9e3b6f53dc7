"""Image features at strides 4, 8 and 16: MobileNetV2 or ResNet-50, without what lies beyond stride 16."""

from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor, nn
from torchvision.models import mobilenet_v2, resnet50

from graticule.tracking.deaot.config import DeAOTConfig


class Maps(NamedTuple):
    """Feature maps by stride in pixels; ``last`` is at stride 16 too."""

    at_4: Float[Tensor, "b c4 h4 w4"]
    at_8: Float[Tensor, "b c8 h8 w8"]
    at_16: Float[Tensor, "b c16 h w"]
    last: Float[Tensor, "b c h w"]


class MobileNetEncoder(nn.Module):
    """MobileNetV2 (Sandler et al. 2018) whose last stride of 2 is a dilation instead."""

    dims = (24, 32, 96, 1280)
    _ends = (4, 7, 14)

    def __init__(self) -> None:
        super().__init__()
        self.features = mobilenet_v2(weights=None).features
        _depthwise(self.features[14], dilation=1)
        for block in self.features[15:18]:
            _depthwise(block, dilation=2)

    def forward(self, images: Float[Tensor, "b 3 y x"]) -> Maps:
        """Return the maps of normalised images."""
        maps, begin = [], 0
        for end in (*self._ends, len(self.features)):
            images = self.features[begin:end](images)
            maps.append(images)
            begin = end
        return Maps(*maps)


class ResNetEncoder(nn.Module):
    """ResNet-50 (He et al. 2016) without its last stage."""

    dims = (256, 512, 1024, 1024)

    def __init__(self) -> None:
        super().__init__()
        whole = resnet50(weights=None)
        self.conv1, self.bn1 = whole.conv1, whole.bn1
        self.relu, self.maxpool = whole.relu, whole.maxpool
        self.layer1, self.layer2, self.layer3 = whole.layer1, whole.layer2, whole.layer3

    def forward(self, images: Float[Tensor, "b 3 y x"]) -> Maps:
        """Return the maps of normalised images; the last two are the same."""
        at_4 = self.layer1(self.maxpool(self.relu(self.bn1(self.conv1(images)))))
        at_8 = self.layer2(at_4)
        at_16 = self.layer3(at_8)
        return Maps(at_4, at_8, at_16, at_16)


def encoder(config: DeAOTConfig) -> MobileNetEncoder | ResNetEncoder:
    """Return the encoder that the sizes name, with random weights."""
    return MobileNetEncoder() if config.encoder == "mobilenet_v2" else ResNetEncoder()


def _depthwise(block: nn.Module, *, dilation: int) -> None:
    """Let the block's depthwise convolution see as far as it did, without a stride."""
    for layer in block.modules():
        if isinstance(layer, nn.Conv2d) and layer.groups > 1:
            layer.stride, layer.dilation, layer.padding = (1, 1), (dilation, dilation), (dilation, dilation)
