"""The parts of a VM-UNetV2, each by itself."""

import pytest
import torch

from graticule.models.vm_unet.attention import Attention
from graticule.models.vm_unet.encoder import Merging
from graticule.models.vm_unet.fusion import Infusion, resized
from graticule.models.vm_unet.mixer import STEPS, Mixer


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (5, 3)])
def test_mixing_lets_every_pixel_see_every_other(shape):
    torch.manual_seed(0)
    tokens = torch.randn(1, *shape, 8, requires_grad=True)
    Mixer(8, d_state=4)(tokens)[0, 0, 0].sum().backward()
    assert (tokens.grad.abs().sum(-1) > 0).all()


def test_step_sizes_start_between_their_bounds():
    steps = torch.nn.functional.softplus(Mixer(16, d_state=2).step_bias)
    assert STEPS[0] * 0.999 <= steps.min()
    assert steps.max() <= STEPS[1] * 1.001


def test_merging_reads_a_square_column_by_column():
    merging = Merging(1, 4)
    merging.norm, merging.reduce = torch.nn.Identity(), torch.nn.Identity()
    square = torch.tensor([[1.0, 2.0], [3.0, 4.0]])[None, :, :, None]
    assert merging(square).flatten().tolist() == [1, 3, 2, 4]


def test_attention_only_weakens():
    torch.manual_seed(0)
    feature = torch.randn(2, 20, 9, 9)
    attended = Attention(20)(feature)
    assert (attended.abs() <= feature.abs()).all()
    assert (attended.sign() == feature.sign()).all()


def test_a_feature_is_averaged_down_and_drawn_out_from_corner_to_corner():
    feature = torch.tensor([[0.0, 2.0], [4.0, 6.0]])[None, None]
    assert resized(feature, 1, 1).item() == 3
    assert resized(feature, 2, 2) is feature
    drawn_out = resized(feature, 4, 4)[0, 0]
    assert drawn_out[0].tolist() == pytest.approx([0, 2 / 3, 4 / 3, 2])
    assert drawn_out[:, 0].tolist() == pytest.approx([0, 4 / 3, 8 / 3, 4])


def test_an_infusion_is_a_product():
    torch.manual_seed(0)
    infuse = Infusion(2)
    features = [torch.randn(1, 2, size, size) for size in (8, 4, 2, 1)]
    whole = infuse(features, 1)
    assert whole.shape == (1, 2, 4, 4)
    with torch.no_grad():
        infuse.convolutions[3].weight.zero_()
        infuse.convolutions[3].bias.fill_(2)
        doubled = infuse(features, 1)
        infuse.convolutions[3].bias.fill_(1)
        assert torch.allclose(doubled, 2 * infuse(features, 1))


def test_an_untrained_infusion_passes_what_it_is_given():
    torch.manual_seed(0)
    features = [torch.randn(1, 18, size, size) for size in (8, 4, 2, 1)]
    infused = Infusion(18)(features, 0)
    assert infused.std() > 0.5
