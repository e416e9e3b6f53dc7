import pickle

import numpy as np
import pytest

from graticule.core.errors import ExperimentError


def test_a_mark_is_its_result(make):
    run = make().run("0a1b")
    result = {"file": np.arange(3), "level": np.float32(2.5), "names": np.array(["a", "µ"])}
    run.mark("t0000000-0000016_y000000_x000000", result)
    read = pickle.loads(pickle.dumps(run)).result("t0000000-0000016_y000000_x000000")
    assert read.keys() == result.keys()
    for name, values in result.items():
        np.testing.assert_array_equal(read[name], values)


def test_objects_are_never_pickled(make):
    with pytest.raises(ValueError, match="allow_pickle"):
        make().run("a").mark("w", {"x": np.array([{}], dtype=object)})


def test_ten_thousand_marks_are_listed(make):
    run = make().run("a")
    for number in range(10_000):
        run.place.write(f"runs/a/marks/w{number}.npz", b"")
    assert run.marked() == {f"w{number}" for number in range(10_000)}


def test_a_mark_half_written_is_no_mark(make, tmp_path):
    experiment = make()
    with experiment.open_file("runs/a/marks/w1.npz", "wb") as file:
        file.write(b"half")
        assert experiment.run("a").marked() == set()


def test_a_run_starts_once_and_refuses_another_configuration(make):
    experiment = make()
    run = experiment.run("a")
    assert run.config is None
    run.start({"tile": 512, "models": ("x",)}, {"python": "3.11"})
    run.start({"tile": 512, "models": ("x",)}, {"python": "3.12"})
    assert run.config == {"tile": 512, "models": ["x"]}
    assert run.environment == {"python": "3.11"}
    with pytest.raises(ExperimentError, match=r"another configuration \(differs in tile\)"):
        run.start({"tile": 256, "models": ("x",)}, {})
    assert experiment.runs() == ["a"]


def test_a_run_is_finished_by_its_summary(make):
    run = make().run("a")
    assert not run.finished
    run.finish({"particles": 12})
    assert run.finished
    assert run.summary == {"particles": 12}


@pytest.mark.parametrize("key", ["../x", "a/b", "", ".hidden"])
def test_a_key_must_be_fit_for_a_file_name(make, key):
    with pytest.raises(ValueError, match="cannot name a file"):
        make().run("a").mark(key, {})


def test_a_missing_result_is_a_key_error(make):
    with pytest.raises(KeyError):
        make().run("a").result("none")
