import jaxtyping
import pytest
import torch
from pydantic import ValidationError

from graticule.models.architecture import architecture
from graticule.models.swin_unet import PUBLISHED, SwinUnetConfig, SwinUnetNetwork

TINY = SwinUnetConfig(embed=8, depths=(2, 2), heads=(2, 4), window=4, patch=2, distance=True)
"""For images whose edges are multiples of 16 pixels."""


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def network(config: SwinUnetConfig = TINY, *, checkpointing: bool = False) -> SwinUnetNetwork:
    torch.manual_seed(0)
    return SwinUnetNetwork(config, checkpointing=checkpointing)


def lively(config: SwinUnetConfig = TINY) -> SwinUnetNetwork:
    """Return a network whose layers all matter, which at their initial scale they hardly do."""
    made = network(config)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter += torch.randn_like(parameter) * 0.2
    return made.eval()


def images(height: int = 32, width: int = 48, *, batch: int = 2) -> torch.Tensor:
    return torch.rand(batch, 3, height, width, generator=torch.Generator().manual_seed(1))


def gradients(made: torch.nn.Module) -> dict[str, torch.Tensor | None]:
    torch.manual_seed(2)
    made(images()).square().mean().backward()
    return {
        name: parameter.grad if parameter.grad is None else parameter.grad.clone()
        for name, parameter in made.named_parameters()
    }


@pytest.mark.parametrize(
    ("config", "parameters"),
    [
        (SwinUnetConfig(), 3_855_948),
        (SwinUnetConfig(classes=1), 3_855_912),
        (SwinUnetConfig(embed=32, heads=(2, 4, 8, 16), classes=1), 3_046_456),
        (PUBLISHED, 27_168_228),
    ],
)
def test_the_network_is_as_large_as_stated(config, parameters):
    with torch.device("meta"):
        assert sum(p.numel() for p in SwinUnetNetwork(config).parameters()) == parameters


def test_it_is_found_by_name_with_the_size_of_the_papers_comparison():
    found = architecture("swin-unet")
    assert found.native_size == 448
    assert found.native_size % SwinUnetConfig().multiple == 0
    assert isinstance(found.build(TINY), SwinUnetNetwork)


@pytest.mark.parametrize(("height", "width"), [(224, 224), (448, 448), (224, 448)])
def test_any_multiple_of_224_pixels_will_do(height, width):
    config = SwinUnetConfig(embed=6, heads=(1, 2, 3, 6))
    with torch.inference_mode():
        answer = network(config).eval()(images(height, width, batch=1))
    assert answer.shape == (1, 2, height, width)
    assert answer.isfinite().all()


@pytest.mark.parametrize(("height", "width"), [(31, 32), (32, 40), (0, 32)])
def test_another_size_is_refused_with_what_would_fit(height, width):
    with pytest.raises(ValueError, match=f"{height} x {width} pixels .* multiples of 16"):
        network()(torch.zeros(1, 3, height, width))


@pytest.mark.parametrize("distance", [False, True])
def test_foreground_is_what_the_classes_say(distance):
    made = lively(TINY.model_copy(update={"distance": distance}))
    with torch.inference_mode():
        answer, found = made(images()), made.foreground(images())
    torch.testing.assert_close(found.logit.sigmoid(), answer[:, :2].softmax(1)[:, 1:])
    assert (found.distance is not None) == distance
    if distance:
        torch.testing.assert_close(found.distance, answer[:, 2:].sigmoid())


def test_a_single_class_is_the_foreground():
    made = lively(TINY.model_copy(update={"classes": 1}))
    with torch.inference_mode():
        answer, found = made(images()), made.foreground(images())
    assert torch.equal(found.logit, answer[:, :1])
    assert found.distance.shape == found.logit.shape


@pytest.mark.parametrize("drop_path", [0.0, 0.5])
def test_every_parameter_gets_a_finite_gradient(drop_path):
    grown = gradients(network(TINY.model_copy(update={"drop_path": drop_path})))
    assert [name for name, grad in grown.items() if grad is None or not grad.isfinite().all()] == []


def test_without_skipping_no_gradient_is_zero():
    grown = gradients(network(TINY.model_copy(update={"drop_path": 0.0})))
    assert [name for name, grad in grown.items() if not grad.any()] == []


def test_checkpointing_changes_no_gradient():
    plain, spare = (gradients(network(checkpointing=flag)) for flag in (False, True))
    assert all(torch.equal(plain[name], spare[name]) for name in plain)


def test_checkpointing_keeps_less_in_memory():
    kept = []
    for flag in (False, True):
        sizes: list[int] = []

        def keep(tensor: torch.Tensor, sizes: list[int] = sizes) -> torch.Tensor:
            sizes.append(tensor.numel())
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            network(checkpointing=flag)(images())
        kept.append(sum(sizes))
    assert kept[1] < kept[0] / 2


def test_evaluation_skips_nothing_and_gives_the_same_each_time():
    made = lively(TINY.model_copy(update={"drop_path": 0.9}))
    with torch.inference_mode():
        assert torch.equal(made(images()), made(images()))


def test_an_image_is_answered_alike_alone_and_in_a_batch():
    made = lively()
    with torch.inference_mode():
        together = made(images(batch=3))
        alone = torch.cat([made(image[None]) for image in images(batch=3)])
    torch.testing.assert_close(together, alone, rtol=1e-5, atol=1e-5)


def test_training_skips_a_branch_for_some_samples_and_scales_it_up_for_the_others():
    drop = network(TINY.model_copy(update={"drop_path": 0.5})).decoder[0][1].drop_path
    assert drop.rate == pytest.approx(0.5 / 3)
    torch.manual_seed(0)
    through = drop(torch.ones(2000, 1, 1, 1))
    assert through.unique().tolist() == pytest.approx([0, 1 / (1 - drop.rate)])
    assert through.mean() == pytest.approx(1, abs=0.05)


@pytest.fixture
def _unchecked_shapes():
    """Without the checks of array shapes, which tests alone have and which cannot be compiled."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)
    torch.compiler.reset()


@pytest.mark.usefixtures("_unchecked_shapes")
def test_the_compiled_network_gives_the_same():
    made = lively()
    compiled = torch.compile(made, backend="aot_eager", fullgraph=True)
    with torch.no_grad():
        torch.testing.assert_close(compiled(images()), made(images()), rtol=1e-5, atol=1e-5)


@pytest.mark.usefixtures("_unchecked_shapes")
def test_the_compiled_network_learns_the_same():
    made = network(TINY.model_copy(update={"drop_path": 0.0}), checkpointing=True)
    plain = gradients(made)
    made.zero_grad()
    learnt = gradients(torch.compile(made, backend="aot_eager", fullgraph=True))
    assert all(torch.allclose(plain[name], learnt["_orig_mod." + name], atol=1e-7) for name in plain)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.bfloat16, 0.05), (torch.float16, 0.01)])
def test_half_precision_is_close(dtype, tolerance):
    made = lively()
    with torch.inference_mode():
        exact = made(images())
        half = made.to(dtype)(images().to(dtype))
    assert half.dtype == dtype
    assert (half.float() - exact).norm() < tolerance * exact.norm()


def test_autocast_is_close():
    made = lively()
    with torch.inference_mode():
        exact = made(images())
        with torch.autocast("cpu", torch.bfloat16):
            half = made(images())
    assert (half.float() - exact).norm() < 0.05 * exact.norm()


@pytest.mark.parametrize(
    ("sizes", "said"),
    [
        ({"heads": (2, 2, 2)}, "one entry per stage"),
        ({"heads": (3, 4)}, "must divide the channels"),
        ({"embed": 7, "heads": (1, 2)}, "embed must be even"),
        ({"depths": (2, 0)}, "greater than or equal to 1"),
        ({"drop_path": 1.0}, "less than 1"),
    ],
)
def test_sizes_that_make_no_network_are_refused(sizes, said):
    with pytest.raises(ValidationError, match=said):
        SwinUnetConfig(**TINY.model_dump() | sizes)
