"""The automatic mode on the network itself, with random weights."""

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from graticule.models.efficient_sam.automatic.ask import ask
from graticule.models.efficient_sam.automatic.candidate import Lattice
from graticule.models.efficient_sam.automatic.prompts import grid
from graticule.models.efficient_sam.automatic.select import Criteria, Scene
from graticule.models.efficient_sam.config import EfficientSamConfig
from graticule.models.efficient_sam.network import EfficientSamNetwork
from models.efficient_sam_automatic.oracle import discs, sam, segmented

EASY = {"predicted_iou": 0.0, "stability": 0.0, "min_diameter_px": 1.0}


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    found = EfficientSamNetwork(EfficientSamConfig(width=48, depth=1, heads=1)).eval()
    with torch.no_grad():
        for layer in found.decoder.iou.modules():
            if isinstance(layer, torch.nn.Linear):
                last = layer
        last.bias.fill_(0.9)
    return found


class Largest(TorchDispatchMode):
    """Notes the bytes of the largest tensor that any operation gives."""

    def __init__(self):
        super().__init__()
        self.bytes = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        out = function(*args, **(kwargs or {}))
        sizes = [t.untyped_storage().nbytes() for t in tree_leaves(out) if isinstance(t, torch.Tensor)]
        self.bytes = max([self.bytes, *sizes])
        return out


def largest_tensor(network, embedding, *, per_side):
    lattice = Lattice(top=0, left=0, step=1.0, size=128)
    scene = Scene(lattice=lattice, grey=np.ones((128, 128), np.float32), cuts=(False,) * 4)
    prompts = grid((128, 128), lattice, per_side=per_side)
    with torch.inference_mode(), Largest() as seen:
        for _ in ask(network, embedding, prompts, scene, Criteria(**EASY), chunk=8):
            pass
    return seen.bytes


def test_memory_does_not_grow_with_the_number_of_prompts(network):
    with torch.inference_mode():
        embedding = network.embed(torch.rand(1, 3, 512, 512))
    few, many = (largest_tensor(network, embedding, per_side=n) for n in (4, 12))
    assert many == few


def test_a_patch_is_segmented_alike_again_and_beside_others(network):
    one = discs((200, 190), (60, 60, 14), (120, 130, 20))[0]
    other = discs((200, 190), (90, 100, 25))[0]
    [alone] = segmented(sam(network, **EASY), one).labels
    assert np.array_equal(segmented(sam(network, **EASY, batch=3), other, one).labels[1], alone)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_gives_an_answer(network, dtype):
    image = discs((200, 190), (60, 60, 14), (120, 130, 20))[0]
    found = segmented(sam(network, **EASY, dtype=dtype), image)
    assert np.isfinite(found.foreground).all()


def test_points_and_boxes_are_answered(network):
    image = discs((200, 190), (60, 60, 14))[0]
    found = sam(network).prompted(image, points=[(60, 60), (1, 1)], boxes=[(40, 40, 80, 80)])
    assert [answer.mask.shape for answer in found] == [image.shape] * 3
