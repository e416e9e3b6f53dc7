"""A step gets as many workers as the cluster affords, and each its share."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graticule.core.calibration import Calibration
from graticule.core.errors import ConfigError
from graticule.pipeline.pool import Pool, pool_of
from graticule.pipeline.step import Step, spans
from graticule.storage.experiment import Experiment
from graticule.storage.run import Run

GIB = 2**30


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Run:
    root = str(tmp_path_factory.mktemp("e") / "e.ome.zarr")
    scale = Calibration()
    return Experiment.create(root, name="e", shape=(8, 8, 8), dtype=np.uint8, calibration=scale).run("a-1")


def pool(run, cluster, *, workers=None, items=100, **needs) -> Pool:
    step = Step(name="s", items=spans(8, length=1), work=lambda span: {}, run=run, **needs)
    return pool_of(step, cluster, workers=workers, items=items)


def test_there_is_a_worker_per_cpu(run):
    assert pool(run, {"CPU": 8.0, "GPU": 2.0}) == Pool(size=8)


@pytest.mark.parametrize("device", ["auto", "cuda"])
def test_a_network_gets_a_gpu_for_each_worker(run, device):
    found = pool(run, {"CPU": 8.0, "GPU": 2.0}, device=device)
    assert found == Pool(size=2, gpus_each=1)
    assert found.share["num_gpus"] == 1


def test_without_gpus_auto_takes_the_cpus(run):
    found = pool(run, {"CPU": 8.0}, device="auto")
    assert found == Pool(size=8)
    assert "num_gpus" not in found.share


def test_workers_asked_for_do_not_share_a_gpu(run):
    assert pool(run, {"CPU": 8.0, "GPU": 2.0}, device="auto", workers=5).size == 2
    assert pool(run, {"CPU": 8.0, "GPU": 2.0}, device="auto", workers=1).size == 1


@pytest.mark.parametrize(
    ("device", "said"),
    [("cuda", "no node of the Ray cluster has a GPU"), ("cuda:1", "each worker is given a GPU of its own")],
)
def test_a_gpu_that_cannot_be_given_is_refused(run, device, said):
    with pytest.raises(ConfigError, match=said):
        pool(run, {"CPU": 8.0}, device=device)


def test_memory_limits_the_workers_but_never_to_none(run):
    cluster = {"CPU": 8.0, "memory": 10.0 * GIB}
    assert pool(run, cluster, memory_bytes=3 * GIB).size == 3
    assert pool(run, cluster, memory_bytes=30 * GIB).size == 1
    assert pool(run, {"CPU": 8.0}, memory_bytes=3 * GIB).size == 8


@given(
    cpus=st.integers(0, 64),
    gpus=st.integers(0, 8),
    workers=st.none() | st.integers(1, 99),
    items=st.integers(1, 99),
)
def test_there_is_work_for_every_worker(run, cpus, gpus, workers, items):
    found = pool(run, {"CPU": float(cpus), "GPU": float(gpus)}, workers=workers, items=items, device="auto")
    assert 1 <= found.size <= min(items, workers or items)
    assert found.size * found.gpus_each <= gpus
