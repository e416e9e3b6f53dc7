import jaxtyping
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.checkpoint import checkpoint

from graticule.core.errors import ConfigError, UnknownNameError
from graticule.models.selective_scan import adjoint, available, chunked, selective_scan
from graticule.models.selective_scan.backends import BACKENDS, chosen
from models.selective_scan.scans import Case, cases, distance, values_and_gradients


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_the_definition_by_hand():
    one = torch.ones(1, 1, 3)
    y, last = selective_scan(
        one, one, -torch.ones(1, 1), one, one, return_last_state=True, backend="sequential"
    )
    e = np.exp(-1)
    assert y.flatten().tolist() == pytest.approx([1, 1 + e, 1 + e + e**2])
    assert last.item() == pytest.approx(1 + e + e**2)


@settings(max_examples=60, deadline=None)
@given(case=cases())
def test_chunked_agrees_with_the_definition_in_value_and_gradient(case):
    assert distance(values_and_gradients(case, "chunked"), values_and_gradients(case, "sequential")) < 1e-4


@settings(max_examples=60, deadline=None)
@given(case=cases())
def test_compiled_agrees_with_the_definition_in_value_and_gradient(case):
    assert distance(values_and_gradients(case, "compiled"), values_and_gradients(case, "sequential")) < 1e-4


def test_compiled_gives_the_same_bits_whatever_the_threads():
    case = Case(batch=2, groups=2, per_group=150, states=16, length=133)
    alone = values_and_gradients(case, "compiled")
    torch.set_num_threads(3)
    assert distance(values_and_gradients(case, "compiled"), alone) == 0
    assert distance(alone, values_and_gradients(case, "chunked")) < 1e-5


@pytest.mark.parametrize("threads", [1, 3])
def test_compiled_answers_alike_where_nothing_is_learnt(threads):
    arguments = Case(batch=2, groups=2, per_group=100, states=4, length=40).arguments()
    torch.set_num_threads(threads)
    learning = selective_scan(*arguments, True, backend="compiled")
    with torch.inference_mode():
        assert torch.equal(selective_scan(*arguments, True, backend="compiled"), learning)
    with torch.no_grad():
        assert torch.equal(selective_scan(*arguments, True, backend="compiled"), learning)


def test_compiled_hands_on_what_is_not_a_number():
    arguments = Case(groups=2, per_group=4, states=4, length=64).arguments()
    u = arguments[0].detach().clone()
    u[0, 3, 10] = np.nan
    y = selective_scan(u, *arguments[1:], True, backend="compiled")
    assert y[0, 3, 10:].isnan().all()
    assert y[0, 3, :10].isfinite().all()
    assert y[0, 4].isfinite().all()


def test_compiled_is_not_for_double_precision():
    arguments = Case().arguments(torch.float64)
    with pytest.raises(ConfigError, match="'compiled' computes in float32, not float64; usable: sequential"):
        selective_scan(*arguments, True, backend="compiled")


def test_chunked_agrees_where_channels_and_batch_are_cut_into_slabs(monkeypatch):
    monkeypatch.setattr("graticule.models.selective_scan.slabs.STATES_AT_ONCE", 24)
    case = Case(batch=3, groups=2, per_group=7, states=4, length=70)
    ours = values_and_gradients(case, "chunked", torch.float64)
    assert distance(ours, values_and_gradients(case, "sequential", torch.float64)) < 1e-5


def test_gradients_are_those_of_finite_differences():
    case = Case(batch=2, groups=2, per_group=2, states=2, length=35)
    arguments = case.arguments(torch.float64)

    def scan(*tensors):
        return selective_scan(*tensors, True, True, backend="chunked")

    assert torch.autograd.gradcheck(scan, arguments, fast_mode=True)


@pytest.mark.parametrize("backend", ["chunked", "compiled"])
def test_long_sequences_with_large_steps_stay_finite(backend):
    arguments = Case(groups=2, per_group=4, states=4, length=4096).arguments()
    arguments[1] = arguments[1] * 20
    arguments[2] = arguments[2] * 20
    y = selective_scan(*arguments, True, backend=backend)
    gradients = torch.autograd.grad(y.square().sum(), [arguments[0], arguments[3]])
    assert all(torch.isfinite(x).all() for x in (y, *gradients))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_single(dtype):
    case = Case(groups=2, per_group=3, states=4, length=64)
    half = [x.detach().to(dtype) for x in case.arguments()]
    y = selective_scan(*half, True)
    exact = selective_scan(*(x.float() for x in half), True, backend="sequential")
    assert y.dtype == dtype
    assert torch.equal(y, exact.to(dtype)) or (y.float() - exact).abs().max() < 0.02 * exact.abs().max()


def test_half_precision_gradients_come_in_half_precision():
    arguments = Case(length=40).arguments(torch.bfloat16)
    gradients = torch.autograd.grad(selective_scan(*arguments, True).float().sum(), arguments)
    assert [x.dtype for x in gradients] == [torch.bfloat16] * 8


def test_mixed_dtypes_of_autocast_are_taken():
    arguments = Case(length=40).arguments()
    with torch.autocast("cpu", torch.bfloat16):
        y = selective_scan(arguments[0].bfloat16(), *arguments[1:], True)
    assert y.dtype == torch.bfloat16


@pytest.mark.parametrize("backend", ["chunked", "compiled"])
def test_autocast_around_it_changes_no_bit(backend):
    case = Case(batch=2, groups=2, per_group=3, states=4, length=70)
    plain = values_and_gradients(case, backend)
    with torch.autocast("cpu", torch.bfloat16):
        assert distance(values_and_gradients(case, backend), plain) == 0


def test_only_what_needs_a_gradient_gets_one():
    arguments = [x.detach() for x in Case(length=40).arguments()]
    arguments[2].requires_grad_()
    selective_scan(*arguments, True).sum().backward()
    assert arguments[2].grad is not None
    assert arguments[0].grad is None


def test_twice_the_same_gives_the_same_bits():
    case = Case(batch=2, groups=4, per_group=5, states=16, length=300)
    first, second = (values_and_gradients(case, "chunked") for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_gradient_checkpointing_gives_the_same_gradients():
    arguments = Case(groups=2, length=70).arguments()

    def scan(*tensors):
        return selective_scan(*tensors, True)

    plain = torch.autograd.grad(scan(*arguments).square().sum(), arguments)
    saved = checkpoint(scan, *arguments, use_reentrant=False)
    assert all(
        torch.equal(a, b)
        for a, b in zip(plain, torch.autograd.grad(saved.square().sum(), arguments), strict=True)
    )


class Mixer(nn.Module):
    """A scan between two linear layers, as networks have it."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.enter, self.leave = nn.Linear(8, 8), nn.Linear(8, 8)
        self.A = nn.Parameter(-torch.rand(8, 4))

    def forward(self, x_BLD, weights_BNL):
        u = self.enter(x_BLD).transpose(1, 2)
        return self.leave(selective_scan(u, u, self.A, weights_BNL, weights_BNL, None, u, None, True).mT)


def test_the_compiler_takes_it_in_one_graph(monkeypatch):
    # The compiler cannot look into the shape checks, which only tests switch on.
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    plain, x, weights = Mixer(), torch.randn(2, 50, 8), torch.randn(2, 4, 50)
    compiled = torch.compile(plain, backend="aot_eager", fullgraph=True)
    assert torch.allclose(compiled(x, weights), plain(x, weights), atol=1e-6)
    compiled(x, weights).square().sum().backward()
    gradients = [p.grad.clone() for p in plain.parameters()]
    plain.zero_grad()
    plain(x, weights).square().sum().backward()
    assert all(
        torch.allclose(a, p.grad, atol=1e-5) for a, p in zip(gradients, plain.parameters(), strict=True)
    )


class Operations(TorchDispatchMode):
    """Counts torch operations and records the most elements that any of their results has."""

    count, largest = 0, 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        self.count += 1
        for tensor in result if isinstance(result, (tuple, list)) else [result]:
            if isinstance(tensor, torch.Tensor):
                size = tensor.untyped_storage().nbytes() // tensor.element_size()
                self.largest = max(self.largest, size)
        return result


def test_nothing_larger_than_the_input_is_ever_held():
    length = 4096
    case = Case(groups=4, per_group=16, states=16, length=length)
    u, *others = (x.detach() for x in case.arguments())
    # Called as plain functions: inside the operator the mode would see nothing.
    with Operations() as seen:
        y, last, kept = chunked.forward(u, *others, True, True)
        adjoint.backward(y, last, kept, u, *others, True)
    assert seen.count > 3 * length
    assert seen.largest <= u.numel()


@pytest.mark.shared_data
def test_published_vector(shared_data):
    vector = np.load(shared_data.parent / "conformance" / "selective_scan.npz")
    names = ("u", "delta", "A", "B", "C", "D", "z", "delta_bias")
    arguments = [torch.from_numpy(vector[name]) for name in names]
    y, last = selective_scan(*arguments, delta_softplus=True, return_last_state=True)
    for ours, name in ((y, "y"), (last, "last_state")):
        stored = vector[name]
        assert np.linalg.norm(ours.numpy() - stored) <= 1e-5 * np.linalg.norm(stored - stored.mean())


def test_on_a_cpu_the_compiled_loops_are_the_fastest_usable(monkeypatch):
    monkeypatch.delenv("GRATICULE_SCAN", raising=False)
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    assert chosen("auto", "cpu") == "compiled"
    assert chosen("auto", "cpu", double=True) == "chunked"
    assert available() == ("sequential", "chunked", "compiled")


def test_without_numba_it_is_the_chunked_form(monkeypatch):
    monkeypatch.delenv("GRATICULE_SCAN", raising=False)
    monkeypatch.setattr("graticule.models.selective_scan.backends.find_spec", lambda _: None)
    assert chosen("auto", "cpu") == "chunked"


def test_the_environment_overrides_the_automatic_choice_alone(monkeypatch):
    monkeypatch.setenv("GRATICULE_SCAN", "sequential")
    assert chosen("auto", "cpu") == "sequential"
    assert chosen("chunked", "cpu") == "chunked"


def test_an_unknown_backend_lists_the_known(monkeypatch):
    monkeypatch.setenv("GRATICULE_SCAN", "magic")
    with pytest.raises(UnknownNameError, match="unknown selective scan 'magic'; known: auto, chunked"):
        chosen("auto", "cpu")


@pytest.mark.parametrize("name", sorted(set(BACKENDS) - {"sequential", "chunked", "compiled"}))
def test_an_unusable_backend_says_why_and_what_is_usable(name, monkeypatch):
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    with pytest.raises(
        ConfigError, match=rf"'{name}' cannot run: .*usable: sequential, chunked, compiled \("
    ) as caught:
        chosen(name, "cpu")
    assert "\n" not in str(caught.value)
