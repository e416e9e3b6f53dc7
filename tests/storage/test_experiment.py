import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest

from graticule.core.calibration import Calibration
from graticule.core.errors import ExperimentError
from graticule.storage.experiment import Experiment
from stored import digest, particles


def fill(experiment: Experiment, movie: np.ndarray, discs: np.ndarray) -> Experiment:
    step = experiment.shard_frames
    for start in range(0, len(movie), step):
        experiment.write_image(start, movie[start : start + step])
    for kind in ("instances", "tracks"):
        experiment.create_labels(kind)
        experiment.write_labels(kind, 0, discs)
    for which in ("image", "instances", "tracks"):
        experiment.build_pyramid(which)
    experiment.write_table("particles", particles(5))
    experiment.write_graph(nodes=particles(5), edges=np.array([[0, 1], [1, 2], [3, 4]]))
    return experiment


def test_what_was_written_is_read_back(make, movie, discs):
    experiment = fill(make(), movie, discs)
    again = Experiment.open(experiment.root)
    box = slice(10, 200), slice(30, 31)
    np.testing.assert_array_equal(again.read_image(0, 20), movie)
    np.testing.assert_array_equal(again.read_image(3, 19, box), movie[3:19, 10:200, 30:31])
    np.testing.assert_array_equal(again.read_labels("tracks", 18, 20), discs[18:])
    assert again.read_labels("instances", 0, 1, level=1).shape == (1, 150, 140)


def test_an_experiment_knows_its_place_in_the_source_movie(make):
    experiment = make(
        shape=(20, 30, 40), first_frame=100, frame_step=4, crop_origin=(8, 16), name="heating run 3"
    )
    again = Experiment.open(experiment.root)
    assert (again.name, again.shape, again.dtype) == ("heating run 3", (20, 30, 40), np.dtype("u1"))
    assert (again.first_frame, again.frame_step, again.crop_origin) == (100, 4, (8, 16))
    assert again.source_frame(3) == 112
    assert again.time_s(3) == pytest.approx((25 + 3) * 0.25)  # 0.25 s between frames of the experiment
    assert again.calibration == Calibration(pixel_size_nm=0.5, frame_interval_s=0.25)


def test_time_is_unknown_without_a_frame_interval(make):
    assert make(calibration=Calibration()).time_s(7) is None


def test_the_same_work_in_two_places_gives_the_same_bytes(make, movie, discs, tmp_path):
    first, second = (fill(make(tmp_path / name), movie, discs) for name in ("a", "b"))
    assert digest(first.root) == digest(second.root)


def test_doing_all_again_changes_no_byte(make, movie, discs):
    experiment = fill(make(), movie, discs)
    before = digest(experiment.root)
    assert digest(fill(make(), movie, discs).root) == before


def test_an_experiment_pickles_small_and_reads_on(make, movie):
    experiment = make()
    experiment.write_image(0, movie)
    frozen = pickle.dumps(experiment)
    assert len(frozen) < 1500
    np.testing.assert_array_equal(pickle.loads(frozen).read_image(7, 8), movie[7:8])


def test_creating_the_same_again_opens_it(make, movie):
    make().write_image(0, movie)
    np.testing.assert_array_equal(make().read_image(0, 20), movie)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"shape": (21, 300, 280)}, "shape"),
        ({"name": "other"}, "name is movie, not other"),
        ({"dtype": np.uint16}, "dtype"),
        ({"calibration": Calibration()}, r"pixel_size_nm is 0\.5, not None"),
    ],
)
def test_creating_another_in_its_place_says_what_differs(make, change, named):
    make()
    with pytest.raises(ExperimentError, match=named):
        make(**change)


def test_a_folder_of_other_things_is_refused_and_left_alone(make, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ExperimentError, match="no graticule experiment"):
        make(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_file_in_the_way_is_refused(make, tmp_path):
    (tmp_path / "movie").write_text("mine")
    with pytest.raises(ExperimentError, match="no graticule experiment"):
        make(tmp_path / "movie")


def test_opening_nothing_names_the_path_and_the_remedy(tmp_path):
    with pytest.raises(ExperimentError, match=r"none: nothing is here; make one with `graticule ingest"):
        Experiment.open(str(tmp_path / "none"))


def test_an_experiment_of_a_later_version_is_refused_in_one_line(make):
    path = Path(make().root) / "zarr.json"
    path.write_text(path.read_text().replace('"frame_step"', '"frames_per_step"'))
    with pytest.raises(ExperimentError, match="frame_step") as caught:
        Experiment.open(str(path.parent))
    assert "\n" not in str(caught.value)


def test_vacant_and_existing_places_are_told_apart(make, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    assert Experiment.is_vacant(str(empty))
    assert Experiment.is_vacant(str(tmp_path / "none"))
    assert not Experiment.is_vacant(str(Path(__file__)))
    assert not Experiment.exists(str(empty))
    experiment = make(empty)
    assert Experiment.exists(experiment.root)
    assert not Experiment.is_vacant(experiment.root)


def test_a_creation_cut_short_is_completed(make, movie):
    experiment = make()
    shutil.rmtree(f"{experiment.root}/0")  # killed between the root's metadata and the array
    make().write_image(0, movie)


def test_scratch_of_a_killed_writer_is_swept_on_resume(make, tmp_path):
    experiment = make()
    scratch = Path(experiment.root) / "tables" / ".particles.parquet.0123.tmp"
    scratch.parent.mkdir()
    scratch.write_bytes(b"half")
    make()
    assert not scratch.exists()


def test_parts_are_removed_and_no_longer_listed(make, movie, discs):
    experiment = fill(make(), movie, discs)
    experiment.remove("labels/instances", "tables", "runs")
    assert experiment.levels("instances") == 0
    assert experiment.levels("tracks") == 2
    with pytest.raises(ExperimentError, match=r"particles\.parquet: not there yet"):
        experiment.read_table("particles")
    with pytest.raises(ExperimentError, match="labels/instances/0: not there yet"):
        experiment.read_labels("instances", 0, 1)


@pytest.mark.parametrize("part", ["../other", "labels/../../x", "notes.txt", ""])
def test_only_parts_of_the_layout_can_be_removed(make, part):
    with pytest.raises(ValueError, match="no part"):
        make().remove(part)


def test_deleting_an_experiment_leaves_what_is_not_its_own(make, movie, discs, tmp_path):
    experiment = fill(make(tmp_path / "a"), movie, discs)
    (tmp_path / "a" / "notes.txt").write_text("mine")
    experiment.delete()
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["notes.txt"]


def test_deleting_an_experiment_removes_its_folder(make, tmp_path):
    make(tmp_path / "a").delete()
    assert Experiment.is_vacant(str(tmp_path / "a"))


def test_a_failing_block_leaves_the_old_file(make):
    experiment = make()
    with experiment.open_file("report/index.html", "w") as file:
        file.write("µ old")
    with pytest.raises(UnicodeEncodeError), experiment.open_file("report/index.html", "w") as file:
        file.write("half, then a lone surrogate \udc80")
    with experiment.open_file("report/index.html", "r") as file:
        assert file.read() == "µ old"
    assert len(list(Path(experiment.path("report")).iterdir())) == 1
