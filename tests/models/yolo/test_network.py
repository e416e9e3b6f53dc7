import copy

import jaxtyping
import pytest
import torch

from graticule.models.yolo import YoloConfig, YoloSeg
from graticule.models.yolo.loss import YoloLoss, targets_of


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    return torch.rand(2, 3, 64, 96, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def labels() -> torch.Tensor:
    drawn = torch.zeros(2, 64, 96, dtype=torch.int64)
    drawn[0, 8:40, 20:50] = 3
    drawn[0, 44:60, 60:90] = 7
    drawn[1, 10:50, 30:60] = 1
    return drawn


def parameters(network: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def test_it_has_the_parameters_of_the_paper_with_80_classes_and_fewer_with_one(network):
    assert parameters(network) == 3_263_811
    assert parameters(YoloSeg(YoloConfig(classes=80))) == 3_409_968


def test_it_answers_what_ultralytics_answers(network, images):
    with torch.no_grad():
        ours = network(images)
        (theirs, prototypes), _ = network.network(images)
    centre, size = theirs[:, :2], theirs[:, 2:4]
    boxes = torch.cat([centre - size / 2, centre + size / 2], dim=1)
    torch.testing.assert_close(ours.predictions[:, :4], boxes)
    torch.testing.assert_close(ours.predictions[:, 4:5].sigmoid(), theirs[:, 4:5])
    assert torch.equal(ours.predictions[:, 5:], theirs[:, 5:])
    assert torch.equal(ours.prototypes, prototypes)


def test_the_answer_to_an_image_does_not_depend_on_what_came_before(network, images):
    with torch.no_grad():
        first = network(images[:1]).predictions
        network(images[:, :, :32, :32])
        assert torch.equal(network(images[:1]).predictions, first)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.bfloat16, 0.1), (torch.float16, 0.02)])
def test_half_precision_is_close_and_boxes_stay_in_float32(network, images, dtype, tolerance):
    half = copy.deepcopy(network).to(dtype)
    with torch.no_grad():
        exact, rough = network(images), half(images.to(dtype))
    assert rough.predictions.dtype == torch.float32
    assert rough.prototypes.dtype == dtype
    for one, other in zip(exact, rough, strict=True):
        assert (other.float() - one).norm() < tolerance * (one - one.mean()).norm()


@pytest.fixture
def _unchecked():
    """Leave out the shape checks of the tests: the compiler cannot follow them."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)
    torch.compiler.reset()


@pytest.mark.usefixtures("_unchecked")
def test_it_compiles_into_one_graph(network, images):
    compiled = torch.compile(network, backend="aot_eager", fullgraph=True)
    with torch.no_grad():
        for ours, theirs in zip(network(images), compiled(images), strict=True):
            torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("particles", [True, False], ids=["with particles", "without"])
def test_every_parameter_that_is_trained_gets_a_gradient(fresh, images, labels, particles):
    loss, _ = YoloLoss(fresh)(images, targets_of(labels if particles else torch.zeros_like(labels)))
    loss.backward()
    without = [name for name, value in fresh.named_parameters() if value.requires_grad and value.grad is None]
    assert without == []


def test_only_the_numbers_of_the_bins_are_not_trained(fresh):
    frozen = [name for name, value in fresh.named_parameters() if not value.requires_grad]
    assert frozen == ["network.model.22.dfl.conv.weight"]


def test_checkpointing_changes_neither_loss_nor_gradients_nor_running_statistics(fresh, images, labels):
    other = copy.deepcopy(fresh)
    other.checkpointing = True
    losses = []
    for net in (fresh, other):
        loss, _ = YoloLoss(net)(images, targets_of(labels))
        loss.backward()
        losses.append(loss)
    assert torch.equal(*losses)
    for one, two in zip(fresh.parameters(), other.parameters(), strict=True):
        if one.requires_grad:
            torch.testing.assert_close(one.grad, two.grad)
    for one, two in zip(fresh.buffers(), other.buffers(), strict=True):
        assert torch.equal(one, two)


def test_training_lessens_the_loss(fresh, images, labels):
    module, targets = YoloLoss(fresh), targets_of(labels)
    optimiser = torch.optim.AdamW(module.parameters(), lr=1e-3)
    losses = []
    for _ in range(8):
        loss, parts = module(images, targets)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.8 * losses[0]
    assert {"box_loss", "seg_loss", "cls_loss", "dfl_loss"} <= set(parts)


def test_targets_are_centred_boxes_and_masks_numbered_in_each_image(labels):
    targets = targets_of(labels)
    assert targets.image.tolist() == [0, 0, 1]
    assert targets.classes.tolist() == [[0], [0], [0]]
    torch.testing.assert_close(targets.boxes[0], torch.tensor([35 / 96, 24 / 64, 30 / 96, 32 / 64]))
    assert targets.masks.shape == (2, 16, 24)
    assert targets.masks[0].unique().tolist() == [0, 1, 2]
    assert targets.masks[1].unique().tolist() == [0, 1]


def test_background_has_no_targets(labels):
    targets = targets_of(torch.zeros_like(labels))
    assert targets.boxes.shape == (0, 4)
    assert not targets.masks.any()
