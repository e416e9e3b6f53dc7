import pickle
import shutil

import numpy as np
import pytest

from graticule.core.calibration import Calibration
from graticule.core.errors import InputError
from graticule.storage.experiment import Experiment
from graticule.synthetic import simulate
from graticule.training.sources import open_source

FRAMES, SIZE = 3, 96


def written(root, *, labels=True, empty=()):
    """An experiment with simulated frames; return it and the truth."""
    truth = list(simulate("easy", frames=FRAMES, size=SIZE, seed=5))
    made = Experiment.create(
        str(root), name="movie", shape=(FRAMES, SIZE, SIZE), dtype=np.uint16, calibration=Calibration()
    )
    made.write_image(0, np.stack([frame.image for frame in truth]))
    made.build_pyramid("image")
    if labels:
        made.create_labels("instances")
        ids = np.stack([frame.labels * 7 for frame in truth])
        ids[list(empty)] = 0
        made.write_labels("instances", 0, ids)
        made.build_pyramid("instances")
    return made, truth


def test_frames_come_with_their_instances_and_are_one_group(tmp_path):
    _, truth = written(tmp_path / "movie.ome.zarr")
    source = pickle.loads(pickle.dumps(open_source(str(tmp_path / "movie.ome.zarr"))))
    example = source.load(2)
    assert len(source) == FRAMES
    assert example.parted
    assert np.array_equal(example.labels, truth[2].labels)
    assert len({source.group(k) for k in range(FRAMES)}) == 1
    source.check()


def test_a_frame_may_be_empty_and_a_movie_may_not(tmp_path):
    written(tmp_path / "some", empty=(0,))
    source = open_source(str(tmp_path / "some"))
    source.check()
    assert source.load(0).labels.max() == 0
    written(tmp_path / "none", empty=range(FRAMES))
    with pytest.raises(InputError, match="no particle in any frame"):
        open_source(str(tmp_path / "none")).check()


def test_an_experiment_without_whole_instances_is_refused(tmp_path):
    made, _ = written(tmp_path / "movie", labels=False)
    with pytest.raises(InputError, match="no finished labels/instances; run graticule segment"):
        open_source(str(tmp_path / "movie"))
    made.create_labels("instances")
    made.run("segment-1").start({}, {})
    with pytest.raises(InputError, match="no finished"):
        open_source(str(tmp_path / "movie"))
    made.run("segment-1").finish({})
    assert len(open_source(str(tmp_path / "movie"))) == FRAMES


def test_the_digest_is_that_of_a_copy_of_the_same_name(tmp_path):
    made, _ = written(tmp_path / "movie")
    copied, renamed = (shutil.copytree(made.root, tmp_path / to) for to in ("there/movie", "other"))
    assert open_source(str(copied)).digest() == open_source(made.root).digest()
    assert open_source(str(renamed)).digest() != open_source(made.root).digest()


def test_the_digest_changes_with_the_labels(tmp_path):
    made, truth = written(tmp_path / "movie")
    before = open_source(made.root).digest()
    assert open_source(made.root).digest() == before
    made.write_labels("instances", 0, np.stack([frame.labels for frame in truth]))
    assert open_source(made.root).digest() != before
