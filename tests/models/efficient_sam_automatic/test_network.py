"""The automatic mode on the network itself, with random weights."""

import numpy as np
import pytest
import torch
from torch.nn.functional import interpolate
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


class Guided(EfficientSamNetwork):
    """A network with random weights whose masks are drawn towards what is dark, and its IoU to 0.9."""

    def embed(self, images):
        self.grey = interpolate(images[:, :1].float(), scale_factor=0.25, mode="area")[0, 0]
        return super().embed(images)

    def candidates(self, *args, **kwargs):
        for part in super().candidates(*args, **{**kwargs, "least_iou": -9.0}):
            logits = 8.0 * part.logits.float() + 16.0 * (0.5 - self.grey)
            yield part._replace(iou=0.9 + 0.1 * part.iou.float(), logits=logits)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return Guided(EfficientSamConfig(width=48, depth=1, heads=1)).eval()


@pytest.fixture(scope="module")
def image():
    return discs((200, 190), (60, 60, 14), (120, 130, 20), (150, 40, 12))[0]


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


def test_a_patch_is_segmented_alike_again_and_beside_others(network, image):
    other = discs((200, 190), (90, 100, 25))[0]
    [alone] = segmented(sam(network), image).labels
    assert alone.max() == 3
    assert np.array_equal(segmented(sam(network, batch=3), other, image).labels[1], alone)


def test_chunks_of_another_size_differ_by_no_more_than_rounding(network, image):
    one, many = (segmented(sam(network, chunk=chunk), image) for chunk in (1, 3))
    np.testing.assert_allclose(one.foreground, many.foreground, atol=2e-3)
    assert np.count_nonzero(one.labels != many.labels) <= 2


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_finds_the_same_particles(network, image, dtype):
    [exact] = segmented(sam(network), image).labels
    [found] = segmented(sam(network, dtype=dtype), image).labels
    assert found.max() == 3
    assert np.count_nonzero(exact != found) < 0.05 * np.count_nonzero(exact)


def test_points_and_boxes_are_answered(network, image):
    found = sam(network).prompted(image, points=[(60, 60), (1, 1)], boxes=[(40, 40, 80, 80)])
    assert [answer.mask.shape for answer in found] == [image.shape] * 3
    assert found[0].mask[60, 60]
