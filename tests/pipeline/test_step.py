"""A step does each item once, marks it after its work, and counts what is done."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graticule.core.calibration import Calibration
from graticule.core.progress import Progress, ignore
from graticule.pipeline.in_process import run_in_process
from graticule.pipeline.step import Item, Span, Step, spans
from graticule.storage.experiment import Experiment
from graticule.storage.run import Run


@pytest.fixture
def run(tmp_path) -> Run:
    scale = Calibration()
    root = str(tmp_path / "e.ome.zarr")
    return Experiment.create(root, name="e", shape=(10, 8, 8), dtype=np.uint8, calibration=scale).run("a-1")


def summed(span: Span) -> dict[str, np.ndarray]:
    return {"sum": np.array([sum(range(span.start, span.stop))])}


@given(frames=st.integers(0, 200), length=st.integers(1, 50))
def test_spans_cover_every_frame_once_in_order(frames, length):
    covered = [t for span in spans(frames, length=length) for t in range(span.start, span.stop)]
    assert covered == list(range(frames))


@given(frames=st.integers(1, 3000), length=st.integers(1, 50))
def test_keys_sort_as_the_frames_do(frames, length):
    keys = [span.key for span in spans(frames, length=length)]
    assert keys == sorted(set(keys))


def test_a_span_is_an_item():
    assert isinstance(Span(start=0, stop=4), Item)


def test_results_come_in_the_order_of_the_items(run):
    step = Step(name="sum", items=spans(10, length=4), work=summed, run=run)
    for item in reversed(step.items):
        step.perform(item)
    assert [int(result["sum"][0]) for result in step.results()] == [6, 22, 17]


def test_finished_items_are_not_done_again(run):
    done = []

    def work(span: Span) -> dict[str, np.ndarray]:
        done.append(span.start)
        return {}

    step = Step(name="sum", items=spans(10, length=4), work=work, run=run)
    step.perform(step.items[1])
    run_in_process(step, ignore)
    run_in_process(step, ignore)
    assert done == [4, 0, 8]
    assert step.unfinished() == []


def test_an_item_whose_work_fails_is_not_marked(run):
    def work(span: Span) -> dict[str, np.ndarray]:
        raise OSError("the disk is on fire")

    step = Step(name="sum", items=spans(4, length=4), work=work, run=run)
    with pytest.raises(OSError, match="on fire"):
        run_in_process(step, ignore)
    assert step.unfinished() == step.items


def test_steps_of_one_run_do_not_take_each_others_marks(run):
    first, second = (Step(name=name, items=spans(4, length=4), work=summed, run=run) for name in ("a", "b"))
    run_in_process(first, ignore)
    assert second.unfinished() == second.items


def test_progress_counts_frames_and_what_an_earlier_run_did(run):
    step = Step(name="sum", items=spans(10, length=4), work=summed, run=run)
    step.perform(step.items[0])
    told: list[Progress] = []
    timings = run_in_process(step, told.append)
    assert [(event.done, event.total, event.skipped) for event in told] == [
        (4, 10, 4),
        (8, 10, 4),
        (10, 10, 4),
    ]
    assert [timing.frames for timing in timings] == [4, 2]
    assert all(timing.ended >= timing.began for timing in timings)
