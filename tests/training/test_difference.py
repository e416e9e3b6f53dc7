import pytest

from graticule.training.difference import difference

RECIPE = {"seed": 0, "augmentation": {"blur": 1.2}}


def record(files=None, *, identity="a", recipe=RECIPE, finished=None):
    known = {} if files is None else {"files": [{"source": "emps", "files": files}]}
    return {"recipe": recipe, "identity": identity, "finished": finished, **known}


def test_the_same_recipe_and_data_make_no_difference():
    assert difference("out", record({"1.png": "x"}), record({"1.png": "x"})) is None


def test_a_setting_is_named_as_it_is_set():
    other = record(recipe={"seed": 0, "augmentation": {"blur": 0.0}})
    assert "another recipe (augmentation.blur was 1.2, now 0.0)" in difference("out", record(), other)


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        (
            {"1.png": "x", "2.png": "y"},
            {"1.png": "x", "2.png": "z"},
            "(1 of 2 files differs, first: 2.png of emps)",
        ),
        ({"1.png": "x"}, {"1.png": "z", "2.png": "y"}, "(2 of 2 files differ, first: 1.png of emps)"),
        ({"1.png": "x", "2.png": "y"}, {"1.png": "x"}, "(1 of 2 files differs, first: 2.png of emps)"),
        ({"emps": "x"}, {"emps": "y"}, "(1 of 1 files differs, first: emps)"),
    ],
)
def test_files_that_differ_are_counted_and_the_first_is_named(before, now, said):
    told = difference("out", record(before), record(now, identity="b"))
    assert told.startswith(
        f"the run begun in out was trained on other data {said}; give what it was begun with"
    )


def test_what_is_no_matter_of_files_is_said_so():
    told = difference("out", record({"1.png": "x"}), record({"1.png": "x"}, identity="b"))
    assert "on the same files, but they were shared or held out in another way" in told


def test_a_record_of_an_earlier_version_cannot_say_which():
    told = difference("out", record(), record({"1.png": "x"}, identity="b"))
    assert "an earlier version noted only when they were written" in told


def test_what_a_finished_training_learnt_need_not_be_lost():
    told = difference("out", record({"1.png": "x"}, finished="now"), record({"1.png": "y"}, identity="b"))
    assert "--start out/weights.safetensors" in told
