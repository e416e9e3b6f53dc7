import itertools

import jaxtyping
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from graticule.core.errors import InputError
from graticule.models.efficient_sam import EfficientSamConfig, EfficientSamNetwork
from plain import efficient_sam as plain

TINY = EfficientSamConfig(width=32, depth=2, heads=2)
TINY_SEMANTIC = TINY.model_copy(update={"semantic": True, "distance": True})


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def network(config=TINY):
    """A network whose every part matters, biases and norms too, which at their initial values hardly do."""
    torch.manual_seed(0)
    made = EfficientSamNetwork(config).eval()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter += torch.randn_like(parameter) * 0.05
    return made


def images(height=64, width=96, *, batch=1):
    return torch.rand(batch, 3, height, width, generator=torch.Generator().manual_seed(1))


def prompts(queries, *labels, size=(64, 96), batch=1):
    """Random points; each of the queries has these labels."""
    points = torch.rand(batch, queries, len(labels), 2, generator=torch.Generator().manual_seed(2))
    where = points * torch.tensor([size[1], size[0]])
    kinds = torch.tensor(labels, dtype=torch.int64).expand(batch, queries, -1)
    return torch.where((kinds == -1)[..., None], -1.0, where), kinds


def relative(ours, theirs):
    return float((ours - theirs).norm() / (theirs - theirs.mean()).norm())


# How large it is


def test_the_default_is_as_large_as_published():
    with torch.device("meta"):
        made = EfficientSamNetwork()
    parts = {
        name: sum(p.numel() for p in part.parameters()) + sum(b.numel() for b in part.buffers())
        for name, part in made.named_children()
    }
    assert parts == {"encoder": 6_163_840, "prompts": 1_024 + 256, "decoder": 4_058_340}
    assert sum(p.numel() for p in made.parameters()) == 10_223_204


def test_all_but_key_biases_and_mask_zero_can_be_trained():
    with torch.device("meta"):
        made = EfficientSamNetwork()
    frozen = sum(p.numel() for p in made.parameters() if not p.requires_grad)
    key_biases, mask_zero = 2 * 256 + 5 * 128, 2 * (256 * 256 + 256) + 32 * 256 + 32
    assert frozen == key_biases + mask_zero == 140_960


def test_heads_must_share_the_width():
    with pytest.raises(ValidationError, match="multiple of heads, got 192 and 5"):
        EfficientSamConfig(heads=5)


# The fast form is the plain one


@pytest.mark.parametrize("size", [(64, 64), (128, 96), (224, 224), (256, 256)])
def test_the_embedding_is_that_of_eager_attention(size):
    made = network()
    with torch.no_grad():
        assert relative(made.embed(images(*size)), plain.embed(made, images(*size))) < 1e-5


@pytest.mark.parametrize(
    "labels",
    [
        (1,),
        (0,),
        (2, 3),
        (1, 1),
        (1, -1),
        (1, 0, 1),
        (2, 3, 1),
        (1,) * 5,
        (1,) * 6,
        (1, 0, 1, 0, 1, 1, 1),
        (),
    ],
    ids=lambda labels: ",".join(map(str, labels)) or "none",
)
def test_masks_and_iou_are_those_of_the_plain_form(labels):
    made, (points, kinds) = network(), prompts(3, *labels, batch=2)
    with torch.no_grad():
        logits, iou = made(images(batch=2), points, kinds)
        expected, expected_iou = plain.decode(made, made.embed(images(batch=2)), points, kinds)
    assert relative(logits, expected) < 1e-4
    assert relative(iou, expected_iou) < 1e-4


def test_gradients_are_those_of_the_plain_form():
    ours, theirs = network(), network()
    points, kinds = prompts(2, 1, 3)
    logits, iou = ours(images(), points, kinds)
    (logits.sigmoid().mean() + iou.square().mean()).backward()
    logits, iou = plain.decode(theirs, plain.embed(theirs, images()), points, kinds)
    (logits.sigmoid().mean() + iou.square().mean()).backward()
    for (name, one), other in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        if one.requires_grad:
            scale = other.grad.norm() + 1e-6
            assert float((one.grad - other.grad).norm() / scale) < 1e-2, name


def test_the_answer_does_not_depend_on_other_prompts_or_images():
    made, (points, kinds) = network(), prompts(4, 1, batch=2)
    with torch.no_grad():
        together, _ = made(images(batch=2), points, kinds)
        alone, _ = made(images(batch=2)[1:], points[1:, 2:3], kinds[1:, 2:3])
    torch.testing.assert_close(together[1:, 2:3], alone, rtol=1e-4, atol=1e-4)


def test_the_same_input_gives_the_same_bits():
    made, (points, kinds) = network(), prompts(3, 1)
    with torch.no_grad():
        first, second = (made(images(), points, kinds) for _ in range(2))
    assert torch.equal(first[0], second[0])
    assert torch.equal(first[1], second[1])


def test_points_may_refer_to_an_image_of_another_size():
    made, (points, kinds) = network(), prompts(2, 1, -1)
    halved = torch.where(points >= 0, points / torch.tensor([2.0, 4.0]), points)
    with torch.no_grad():
        embedding = made.embed(images())
        ours = made.decode(embedding, halved, kinds, image_size=(16, 48))
        torch.testing.assert_close(ours, made.decode(embedding, points, kinds))


def test_a_size_that_is_no_multiple_of_16_is_refused():
    with pytest.raises(InputError, match="multiples of 16, got 64 x 90"):
        network().embed(images(64, 90))


# Candidates


@settings(max_examples=15, deadline=None)
@given(queries=st.integers(1, 7), chunk=st.integers(1, 9), rank=st.floats(0, 1))
def test_candidates_are_the_masks_of_enough_iou_in_order(queries, chunk, rank):
    made, (points, kinds) = network(), prompts(queries, 1)
    with torch.no_grad():
        embedding = made.embed(images())
        every = made.decode(embedding, points, kinds, chunk=chunk)
    least = float(every.iou.quantile(rank)) - 1e-6
    found = list(made.candidates(embedding, points, kinds, chunk=chunk, least_iou=least))
    which = [(int(q), int(m)) for part in found for q, m in zip(part.query, part.mask, strict=True)]
    assert which == [
        (q, m) for q, m in itertools.product(range(queries), range(3)) if every.iou[0, q, m] >= least
    ]
    query, mask = torch.tensor(which).unbind(1)
    torch.testing.assert_close(torch.cat([part.iou for part in found]), every.iou[0, query, mask])
    logits = torch.cat([part.logits for part in found])
    torch.testing.assert_close(logits, every.logits[0, query, mask], rtol=1e-4, atol=1e-4)


def test_nothing_is_yielded_when_nothing_is_good_enough():
    made, (points, kinds) = network(), prompts(5, 1)
    assert not list(made.candidates(made.embed(images()), points, kinds, least_iou=1e9))


class Largest(TorchDispatchMode):
    """Remembers the largest tensor that was made anew, in elements."""

    elements = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        old = {
            part.untyped_storage().data_ptr() for part in tree_leaves((args, kwargs)) if torch.is_tensor(part)
        }
        for part in tree_leaves(out):
            if torch.is_tensor(part) and part.untyped_storage().data_ptr() not in old:
                self.elements = max(self.elements, part.numel())
        return out


def test_no_tensor_grows_with_the_number_of_prompts():
    made = network()
    embedding = made.embed(images())
    largest = []
    for queries in (8, 64):
        with Largest() as seen:
            for _ in made.candidates(embedding, *prompts(queries, 1), chunk=4):
                pass
        largest.append(seen.elements)
    assert largest[0] == largest[1]


def test_what_is_not_kept_is_not_upscaled():
    made = network()
    embedding = made.embed(images(128, 128))
    with Largest() as all_kept:
        list(made.candidates(embedding, *prompts(8, 1), chunk=8))
    with Largest() as none_kept:
        list(made.candidates(embedding, *prompts(8, 1), chunk=8, least_iou=1e9))
    assert none_kept.elements < all_kept.elements


# Semantic mode


def test_foreground_has_the_size_of_the_image_and_no_distance_unless_asked_for():
    with torch.no_grad():
        logit, distance = network().foreground(images(batch=2))
    assert logit.shape == (2, 1, 64, 96)
    assert distance is None


def test_distance_lies_between_0_and_1():
    with torch.no_grad():
        _, distance = network(TINY_SEMANTIC).foreground(images(batch=2))
    assert distance.shape == (2, 1, 64, 96)
    assert distance.min() >= 0
    assert distance.max() <= 1


def test_foreground_does_not_depend_on_what_is_trained():
    plain_one, semantic = network(), EfficientSamNetwork(TINY.model_copy(update={"semantic": True})).eval()
    semantic.load_state_dict(plain_one.state_dict())
    with torch.no_grad():
        assert torch.equal(plain_one.foreground(images()).logit, semantic.foreground(images()).logit)


def test_foreground_can_be_learnt():
    made = network(TINY_SEMANTIC.model_copy(update={"distance": False})).train()
    y, x = torch.meshgrid(torch.arange(64), torch.arange(96), indexing="ij")
    disc = ((y - 30) ** 2 + (x - 50) ** 2 < 18**2).float()[None, None]
    optimiser = torch.optim.AdamW([p for p in made.parameters() if p.requires_grad], lr=1e-3)
    picture = 0.8 - 0.5 * disc.expand(1, 3, -1, -1)
    for _ in range(30):
        loss = torch.nn.functional.binary_cross_entropy_with_logits(made.foreground(picture).logit, disc)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    found = made.foreground(picture).logit > 0
    assert (found & (disc > 0)).sum() / (found | (disc > 0)).sum() > 0.9


# Training


IMAGES, PROMPTS = images(), prompts(2, 1, 3)


def prompted_loss(made):
    logits, iou = made(IMAGES, *PROMPTS)
    return logits.square().mean() + iou.square().mean()


def semantic_loss(made):
    return sum(part.square().mean() for part in made.foreground(IMAGES))


MODES = pytest.mark.parametrize(
    ("config", "loss"), [(TINY, prompted_loss), (TINY_SEMANTIC, semantic_loss)], ids=["prompts", "semantic"]
)


@MODES
def test_every_parameter_to_be_trained_gets_a_gradient_and_no_other(config, loss):
    made = network(config)
    loss(made).backward()
    assert [name for name, p in made.named_parameters() if (p.grad is not None) != p.requires_grad] == []
    for name, parameter in made.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad.abs().max() > 0, name


@MODES
def test_checkpointing_changes_no_gradient(config, loss):
    made, frugal = network(config), network(config)
    frugal.checkpointing = True
    assert frugal.checkpointing
    for one in (made, frugal):
        loss(one).backward()
    for (name, one), other in zip(made.named_parameters(), frugal.parameters(), strict=True):
        if one.requires_grad:
            torch.testing.assert_close(one.grad, other.grad, msg=name)


@pytest.fixture
def _unchecked_shapes():
    """The checks of shapes, which tests alone have, cannot be compiled."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)
    torch.compiler.reset()


@MODES
@pytest.mark.usefixtures("_unchecked_shapes")
def test_it_compiles_as_one_graph(config, loss):
    shallow = config.model_copy(update={"depth": 1})
    eager, compiled = network(shallow), network(shallow)
    expected = loss(eager)
    expected.backward()
    found = torch.compile(loss, backend="aot_eager", fullgraph=True)(compiled)
    found.backward()
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    for (name, one), other in zip(compiled.named_parameters(), eager.parameters(), strict=True):
        if one.requires_grad:
            torch.testing.assert_close(one.grad, other.grad, rtol=1e-2, atol=1e-4, msg=name)


# Half precision


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.bfloat16, 0.1), (torch.float16, 0.02)])
def test_it_works_in_half_precision(dtype, tolerance):
    made, half, given = network(TINY_SEMANTIC), network(TINY_SEMANTIC).to(dtype), prompts(3, 1)
    with torch.no_grad():
        logits, iou = half(images().to(dtype), *given)
        expected, expected_iou = made(images(), *given)
        foreground = half.foreground(images().to(dtype)).logit
        assert relative(foreground.float(), made.foreground(images()).logit) < tolerance
    assert logits.dtype == iou.dtype == dtype
    assert relative(logits.float(), expected) < tolerance
    assert relative(iou.float(), expected_iou) < tolerance


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_it_works_under_autocast(mode):
    made, given = network(TINY_SEMANTIC), prompts(3, 1)
    with mode():
        expected = torch.cat([part.logits for part in made.candidates(made.embed(images()), *given)])
        with torch.autocast("cpu", torch.bfloat16):
            found = torch.cat([part.logits for part in made.candidates(made.embed(images()), *given)])
            made.foreground(images())
    assert relative(found.float(), expected) < 0.1


def test_places_keep_their_precision_in_half_precision():
    made, half = network(), network().half()
    assert torch.equal(made.prompts.places.frequencies, half.prompts.places.frequencies)
    assert half.prompts.kinds.dtype == torch.float16
