from pathlib import Path

import numpy as np
import pytest
from skimage.io import imread

from graticule.core.errors import StorageError
from graticule.storage.experiment import Experiment


def test_a_shard_cut_short_by_a_kill_is_written_again(make, movie):
    experiment = make()
    experiment.write_image(0, movie)
    shard = Path(experiment.root) / "0" / "c" / "0" / "0" / "0"
    whole = shard.read_bytes()
    shard.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(StorageError, match="a chunk is damaged"):
        experiment.read_image(0, 1)
    experiment.write_image(0, movie)
    assert shard.read_bytes() == whole


def test_frames_can_be_written_in_any_order_with_the_same_bytes(make, tmp_path):
    frames = np.random.default_rng(1).integers(0, 999, (5, 2048, 1030), np.uint16)
    roots = []
    for name, order in (("a", (0, 1, 2, 3, 4)), ("b", (4, 2, 0, 3, 1))):
        experiment = make(tmp_path / name, shape=frames.shape, dtype=frames.dtype)
        assert experiment.shard_frames == 1
        for start in order:
            experiment.write_image(start, frames[start : start + 1])
        np.testing.assert_array_equal(experiment.read_image(0, 5), frames)
        roots.append(tmp_path / name / "0")
    for path in roots[0].rglob("0"):
        if path.is_file():
            assert path.read_bytes() == (roots[1] / path.relative_to(roots[0])).read_bytes()


@pytest.mark.parametrize(("start", "count"), [(1, 19), (0, 19), (0, 3), (20, 1)])
def test_parts_of_shards_are_refused(make, movie, start, count):
    with pytest.raises(ValueError, match="not whole shards"):
        make().write_image(start, np.zeros((count, 300, 280), np.uint8))


def test_pixels_of_another_type_are_refused(make):
    with pytest.raises(ValueError, match="expected uint8"):
        make().write_image(0, np.zeros((20, 300, 280), np.uint16))


@pytest.mark.parametrize("frames", [(-1, 3), (18, 21), (5, 4)])
def test_frames_outside_the_movie_are_refused(make, frames):
    with pytest.raises(IndexError):
        make().read_image(*frames)


@pytest.mark.parametrize("dtype", ["i1", "u2", "i4", "i8", "u8", "f2", "f4", "f8", ">u2", ">f4"])
def test_every_pixel_type_is_kept(make, dtype):
    frames = np.random.default_rng(0).normal(0, 50, (2, 40, 30)).astype(dtype)
    native = frames.astype(frames.dtype.newbyteorder("="))
    experiment = make(shape=(2, 40, 30), dtype=dtype)
    experiment.write_image(0, native)
    experiment.build_pyramid("image")
    read = experiment.read_image(0, 2)
    assert read.dtype == native.dtype
    np.testing.assert_array_equal(read, native)


def test_levels_are_listed_only_when_all_of_them_are_whole(make, movie):
    experiment = make()
    experiment.write_image(0, movie)

    def killed(graph: object, keys: object, **options: object) -> object:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        experiment.build_pyramid("image", scheduler=killed)
    assert Experiment.open(experiment.root).levels("image") == 1
    experiment.build_pyramid("image")
    assert Experiment.open(experiment.root).levels("image") == 2


def test_the_pyramid_is_built_by_any_dask_scheduler(make, movie, discs, tmp_path):
    import dask.local

    for name, scheduler in (("a", None), ("b", dask.local.get_sync)):
        experiment = make(tmp_path / name)
        experiment.write_image(0, movie)
        experiment.create_labels("tracks")
        experiment.write_labels("tracks", 0, discs)
        experiment.build_pyramid("image", scheduler=scheduler)
        experiment.build_pyramid("tracks", scheduler=scheduler)
    first, second = Experiment.open(str(tmp_path / "a")), Experiment.open(str(tmp_path / "b"))
    np.testing.assert_array_equal(first.read_image(0, 20, level=1), second.read_image(0, 20, level=1))
    coarse = first.read_labels("tracks", 0, 20, level=1)
    np.testing.assert_array_equal(coarse, second.read_labels("tracks", 0, 20, level=1))
    assert [set(np.unique(c)) for c in coarse] == [set(np.unique(d)) for d in discs]


@pytest.mark.shared_data
def test_real_frames_come_back_to_the_bit(make, shared_data):
    files = sorted((shared_data / "lptem" / "frames").iterdir())[:6]
    frames = np.stack([imread(file) for file in files])
    frames = frames if frames.ndim == 3 else np.ascontiguousarray(frames[..., 0])
    experiment = make(shape=frames.shape, dtype=frames.dtype)
    for start in range(0, len(frames), experiment.shard_frames):
        experiment.write_image(start, frames[start : start + experiment.shard_frames])
    experiment.build_pyramid("image")
    np.testing.assert_array_equal(experiment.read_image(0, 6), frames)
    means = [experiment.read_image(0, 6, level=level).mean() for level in range(experiment.levels("image"))]
    np.testing.assert_allclose(means, means[0], atol=0.02)  # halving adds no brightness
