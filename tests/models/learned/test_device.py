import pytest
import torch

from graticule.core.errors import ConfigError
from graticule.models.learned.device import (
    Batch,
    resolve_device,
    resolve_dtype,
    run_in_batches,
)

CPU = torch.device("cpu")


def run(function, views, batch, dtype=torch.float32):
    return list(run_in_batches(function, views, batch=batch, device=CPU, dtype=dtype))


@pytest.mark.parametrize("name", ["gpu", "cuda:99", "meta", "cpu:7", ""])
def test_an_unknown_device_is_refused_with_those_that_are_there(name):
    with pytest.raises(ConfigError, match=r"no device .* there is: auto, cpu"):
        resolve_device(name)


def test_a_cpu_computes_in_float32_unless_told_otherwise():
    assert resolve_device("cpu") == CPU
    assert resolve_dtype("auto", CPU) == torch.float32
    assert resolve_dtype("bfloat16", CPU) == torch.bfloat16


def test_an_unknown_dtype_lists_the_known():
    with pytest.raises(ConfigError, match="unknown dtype 'int8'; known: auto, float32"):
        resolve_dtype("int8", CPU)


@pytest.mark.parametrize("asked", ["auto", 1, 8])
def test_on_a_cpu_views_run_one_at_a_time(asked):
    assert Batch.of(asked, CPU).size == 1


@pytest.mark.parametrize("count", [0, 1, 4, 5])
def test_all_batches_are_of_one_size_and_answers_come_in_order(count):
    sizes = []

    def function(images):
        sizes.append(len(images))
        return images * 2

    views = [torch.full((1, 2, 2), float(k)) for k in range(count)]
    answers = run(function, iter(views), Batch(4, fixed=True))
    assert [float(a.mean()) for a in answers] == [2.0 * k for k in range(count)]
    assert set(sizes) <= {4}


def test_views_are_drawn_only_as_they_are_needed():
    drawn = []
    views = (drawn.append(k) or torch.zeros(1) for k in range(100))
    next(run_in_batches(lambda x: x, views, batch=Batch(4, fixed=True), device=CPU, dtype=torch.float32))
    assert len(drawn) == 4


def crowded(images):
    if len(images) > 2:
        raise torch.OutOfMemoryError("too many")
    return images


def test_a_batch_that_does_not_fit_is_halved_for_good():
    batch = Batch(16, fixed=False)
    answers = run(crowded, [torch.full((1,), float(k)) for k in range(20)], batch)
    assert [float(a) for a in answers] == list(range(20))
    assert batch.size == 2


@pytest.mark.parametrize(("batch", "remedy"), [
    (Batch(3, fixed=True), "batch = 3 does not fit in the memory of cpu; take a smaller batch, or auto"),
    (Batch(1, fixed=False), "take a smaller view_px, or device cpu"),
])  # fmt: skip
def test_when_nothing_can_be_halved_the_remedy_is_said(batch, remedy):
    def never(images):
        raise torch.OutOfMemoryError("full")

    with pytest.raises(ConfigError, match=remedy):
        run(never, [torch.zeros(1)] * 3, batch)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_multiplies_in_half_and_answers_in_float32(dtype):
    inner = []
    layer = torch.nn.Conv2d(1, 1, 3)

    def function(images):
        answer = layer(images)
        inner.append(answer.dtype)
        assert not answer.requires_grad
        return answer

    (answer,) = run(function, [torch.ones(1, 8, 8)], Batch(1, fixed=True), dtype)
    assert inner == [dtype]
    assert answer.dtype == torch.float32
