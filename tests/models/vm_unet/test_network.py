"""VM-UNetV2 as a whole."""

import jaxtyping
import pytest
import torch

from graticule.models.architecture import architecture
from graticule.models.vm_unet import ARCHITECTURE, PUBLISHED, VmUnet, VmUnetConfig

SMALL = VmUnetConfig(dims=(8, 16, 24, 32), depths=(1, 2, 1), d_state=3, mid=4)
WITH_DISTANCE = SMALL.model_copy(update={"distance": True})


@pytest.fixture(autouse=True)
def _repeatable():
    torch.manual_seed(0)
    torch.set_num_threads(1)


@pytest.fixture
def _unchecked():
    """Leave out the shape checks of the tests: the compiler cannot follow them."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


def network(config=SMALL):
    return VmUnet(config).eval()


def parameters(module):
    return sum(parameter.numel() for parameter in module.parameters())


def relative_error(ours, theirs):
    return ((ours - theirs).norm() / (theirs - theirs.mean()).norm()).item()


def test_it_is_found_by_name():
    assert architecture("vmamba") is ARCHITECTURE
    assert isinstance(ARCHITECTURE.build(SMALL), VmUnet)


def test_the_papers_sizes_leave_1_731_788_parameters_that_reach_the_output():
    assert parameters(VmUnet(VmUnetConfig())) == 1_731_788


def test_the_published_sizes_leave_13_822_100_parameters_that_reach_the_output():
    assert parameters(VmUnet(PUBLISHED)) == 13_822_100


@pytest.mark.parametrize("config", [VmUnetConfig(), PUBLISHED, WITH_DISTANCE])
def test_a_config_survives_json(config):
    assert VmUnetConfig.model_validate_json(config.model_dump_json()) == config


@pytest.mark.parametrize("shape", [(1, 3, 32, 32), (2, 3, 64, 32), (1, 3, 32, 96)])
def test_each_pixel_gets_a_logit(shape):
    assert network()(torch.rand(shape)).shape == (shape[0], 1, *shape[2:])


@pytest.mark.parametrize("size", [(48, 64), (64, 33), (0, 32)])
def test_another_size_is_refused(size):
    with pytest.raises(ValueError, match=f"multiples of 32, got {size[0]} x {size[1]}"):
        network()(torch.rand(1, 3, *size))


def test_foreground_is_the_logit_alone_without_the_distance_head():
    images = torch.rand(1, 3, 32, 32)
    told = network().foreground(images)
    assert told.distance is None
    assert told.logit.shape == (1, 1, 32, 32)


def test_the_distance_lies_between_0_and_1():
    told = network(WITH_DISTANCE).foreground(torch.rand(1, 3, 64, 32))
    assert told.distance.shape == told.logit.shape == (1, 1, 64, 32)
    assert 0 <= told.distance.min() < told.distance.max() <= 1


@pytest.mark.parametrize("checkpointing", [False, True])
def test_every_parameter_gets_a_finite_gradient(checkpointing):
    trained = VmUnet(WITH_DISTANCE)
    trained.checkpointing = checkpointing
    trained(torch.rand(2, 3, 32, 32)).square().mean().backward()
    missing = [name for name, parameter in trained.named_parameters() if parameter.grad is None]
    assert not missing
    assert all(parameter.grad.isfinite().all() for parameter in trained.parameters())


def test_checkpointing_changes_no_gradient():
    trained = VmUnet(SMALL)
    images = torch.rand(2, 3, 32, 32)
    gradients = []
    for wanted in (False, True):
        trained.checkpointing = wanted
        assert trained.checkpointing is wanted
        gradients.append(torch.autograd.grad(trained(images).square().mean(), list(trained.parameters())))
    for kept, recomputed in zip(*gradients, strict=True):
        torch.testing.assert_close(recomputed, kept)


def test_an_image_is_answered_alike_alone_and_in_a_batch():
    images, asked = torch.rand(3, 3, 32, 32), network()
    alone = torch.cat([asked(image[None]) for image in images])
    assert relative_error(asked(images), alone) < 1e-5


def test_it_answers_the_same_twice():
    images, asked = torch.rand(1, 3, 64, 64), network()
    assert torch.equal(asked(images), asked(images))


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.bfloat16, 0.1), (torch.float16, 0.02)])
def test_half_precision_is_close(dtype, tolerance):
    images, asked = torch.rand(1, 3, 64, 64), network(WITH_DISTANCE)
    exact = asked(images)
    rounded = asked.to(dtype)(images.to(dtype))
    assert rounded.dtype == dtype
    assert relative_error(rounded.float(), exact) < tolerance


def test_autocast_is_close():
    images, asked = torch.rand(1, 3, 64, 64), network()
    exact = asked(images)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = asked(images)
    assert relative_error(rounded.float(), exact) < 0.1


@pytest.mark.usefixtures("_unchecked")
def test_compiled_it_is_one_graph_with_the_same_answer_and_gradients():
    images, trained = torch.rand(1, 3, 32, 32), network(WITH_DISTANCE)
    compiled = torch.compile(trained, backend="aot_eager", fullgraph=True)
    ours, theirs = compiled(images), trained(images)
    torch.testing.assert_close(ours, theirs)
    gradients = (torch.autograd.grad(y.square().mean(), list(trained.parameters())) for y in (ours, theirs))
    torch.testing.assert_close(*gradients)
