"""On Ray a step does what it does in a plain loop, and says what went wrong."""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import ray
from ray import cloudpickle

from graticule.core.calibration import Calibration
from graticule.core.errors import ConfigError, GraticuleError, InputError, PipelineError, StorageError
from graticule.core.progress import Progress, ignore
from graticule.pipeline.in_process import run_in_process
from graticule.pipeline.ledger import Measure, Meter, _Ledger
from graticule.pipeline.on_ray import RunOnRay
from graticule.pipeline.settings import IngestSettings, LinkSettings, SegmentSettings
from graticule.pipeline.single import ingest_movie, link_experiment, segment_experiment
from graticule.pipeline.step import Executor, Span, Step, spans
from graticule.storage.experiment import Experiment
from graticule.storage.run import Run
from local_ray import local_ray
from movies import sintering_tiff
from trees import digests

cloudpickle.register_pickle_by_value(sys.modules[__name__])
BOTH = pytest.mark.parametrize("keeps_state", [True, False], ids=["actors", "tasks"])


@pytest.fixture(autouse=True, scope="module")
def ray_of_our_own() -> Iterator[None]:
    with local_ray():
        yield


@pytest.fixture
def run(tmp_path) -> Run:
    shape = (8, 8, 8)
    root = str(tmp_path / "e.ome.zarr")
    return Experiment.create(root, name="e", shape=shape, dtype=np.uint8, calibration=Calibration()).run(
        "a-1"
    )


def step_of(run: Run, work, *, keeps_state: bool) -> Step:
    return Step(name="weigh", items=spans(8, length=2), work=work, run=run, keeps_state=keeps_state)


def weighed(span: Span) -> dict[str, np.ndarray]:
    return {"frames": np.arange(span.start, span.stop)}


def failing(error: type[GraticuleError], said: str):
    def work(span: Span) -> dict[str, np.ndarray]:
        if span.start == 4:
            raise error(said)
        return {}

    return work


def surprised(span: Span) -> dict[str, np.ndarray]:
    raise ZeroDivisionError("nobody thought of this")


def linked(movie: Path, out: Path, execute: Executor) -> Path:
    how = {"execute": execute, "listener": ignore}
    root = ingest_movie(str(movie), str(out), IngestSettings(), **how).root
    segment_experiment(root, SegmentSettings(tile=48), **how)
    return Path(link_experiment(root, LinkSettings(), **how).root)


@BOTH
def test_every_item_is_done_and_marked_once(run, keeps_state):
    step = step_of(run, weighed, keeps_state=keeps_state)
    told: list[Progress] = []
    timings = RunOnRay(workers=2)(step, told.append)
    assert sorted(timing.frames for timing in timings) == [2, 2, 2, 2]
    assert [result["frames"].tolist() for result in step.results()] == [[0, 1], [2, 3], [4, 5], [6, 7]]
    assert [event.done for event in told] == [0, 2, 4, 6, 8]


@BOTH
@pytest.mark.parametrize("kind", [InputError, StorageError])
def test_an_error_of_the_user_arrives_with_its_own_line(run, keeps_state, kind):
    said = "frame_4.png is broken; replace it"
    step = step_of(run, failing(kind, said), keeps_state=keeps_state)
    with pytest.raises(kind) as caught:
        RunOnRay(workers=1)(step, ignore)
    assert str(caught.value) == said
    assert f"weigh.{step.items[2].key}" not in run.marked()


def test_any_other_error_of_the_user_arrives_with_its_own_line_too(run):
    step = step_of(run, failing(ConfigError, "no such option"), keeps_state=False)
    with pytest.raises(GraticuleError, match=r"^no such option$"):
        RunOnRay()(step, ignore)


@BOTH
def test_an_unforeseen_error_names_the_step_in_one_line(run, keeps_state):
    with pytest.raises(PipelineError) as caught:
        RunOnRay(workers=1)(step_of(run, surprised, keeps_state=keeps_state), ignore)
    assert str(caught.value).startswith("weigh: ")
    assert "nobody thought of this" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_finished_step_is_told_and_costs_nothing(run):
    step = step_of(run, weighed, keeps_state=False)
    run_in_process(step, ignore)
    told: list[Progress] = []
    assert RunOnRay()(step, told.append) == []
    assert [(event.done, event.skipped) for event in told] == [(8, 8)]


def test_ray_gives_the_same_bytes_as_a_plain_loop(tmp_path):
    movie = sintering_tiff(tmp_path / "movie.tif", frames=70, size=96)
    on_ray = linked(movie, tmp_path / "ray.ome.zarr", RunOnRay(workers=2))
    assert digests(on_ray) == digests(linked(movie, tmp_path / "loop.ome.zarr", run_in_process))


def test_on_a_ray_of_its_own_nothing_is_counted(run):
    RunOnRay(workers=1)(step_of(run, weighed, keeps_state=False), ignore)
    assert "graticule-ledger" not in [
        actor["name"] for actor in ray.util.list_named_actors(all_namespaces=True)
    ]


def test_a_ledger_keeps_what_several_jobs_count():
    ledger = ray.remote(_Ledger).remote()
    for value in (2.0, 3.0):
        meter = Meter(ledger)
        meter.count(Measure("counter", "tested_windows", "Windows."), value, step="weigh")
        meter.level(Measure("gauge", "tested_waiting", "Windows."), 4.0, step="weigh")
        meter.close()
    assert ray.get(ledger.known.remote()) == ["tested_waiting", "tested_windows"]
