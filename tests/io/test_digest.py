"""What a pattern means, and when an input counts as changed."""

import os

import numpy as np
import pytest
import tifffile

from graticule.core.errors import InputError
from graticule.io import expand_inputs, open_movie
from graticule.io.digest import input_digest, inputs
from graticule.io.natural import natural_key
from graticule.io.select import select


def write(path, *, value=0):
    tifffile.imwrite(path, np.full((600, 64, 64), value, np.uint8), photometric="minisblack")
    os.utime(path, ns=(0, 10**18))
    return path


def test_the_same_file_has_the_same_digest(tmp_path):
    path = write(tmp_path / "a.tif")
    movie = open_movie(str(path))
    assert input_digest(movie) == input_digest(open_movie(str(path)))
    assert input_digest(select(movie, frames=slice(0, 5))) == input_digest(movie)
    assert len(input_digest(movie)) == 64


def test_first_and_last_bytes_size_time_and_name_count(tmp_path):
    path = write(tmp_path / "a.tif")
    digests = [input_digest(open_movie(str(path)))]
    for place in (1000, -1):
        content = bytearray(path.read_bytes())
        content[place] ^= 255
        path.write_bytes(content)
        os.utime(path, ns=(0, 10**18))
        digests.append(input_digest(open_movie(str(path))))
    os.utime(path, ns=(0, 10**18 + 1))
    digests.append(input_digest(open_movie(str(path))))
    path.rename(tmp_path / "b.tif")
    digests.append(input_digest(open_movie(str(tmp_path / "b.tif"))))
    assert len(set(digests)) == 5


def test_every_file_of_a_folder_counts(tmp_path):
    for index in range(3):
        tifffile.imwrite(tmp_path / f"{index}.tif", np.zeros((8, 8), np.uint8))
    movie = open_movie(str(tmp_path))
    before = input_digest(movie)
    os.utime(tmp_path / "1.tif", ns=(0, 5))
    assert input_digest(movie) != before


def test_a_file_that_is_gone_is_named(tmp_path):
    movie = open_movie(str(write(tmp_path / "a.tif")))
    (tmp_path / "a.tif").unlink()
    with pytest.raises(InputError, match=r"a\.tif"):
        input_digest(movie)


def test_globs_are_expanded_in_natural_order_each_path_once(tmp_path):
    for name in ("run10.mp4", "run9.mp4", "run1.mp4", "other.tif"):
        (tmp_path / name).touch()
    found = inputs([str(tmp_path / "run*.mp4"), str(tmp_path / "run9.mp4"), str(tmp_path / "other.tif")])
    assert [os.path.basename(path) for path in found] == ["run1.mp4", "run9.mp4", "run10.mp4", "other.tif"]
    assert expand_inputs is inputs


def test_a_glob_without_a_match_is_an_error(tmp_path):
    with pytest.raises(InputError, match="matches no file"):
        inputs([str(tmp_path / "*.mp4")])


def test_a_name_with_brackets_means_itself(tmp_path):
    (tmp_path / "run[1].mp4").touch()
    assert inputs([str(tmp_path / "run[1].mp4")]) == [str(tmp_path / "run[1].mp4")]


def test_a_person_counts_two_before_ten():
    names = ["f10", "F2", "f1", "f02b", "f", "10", "9"]
    assert sorted(names, key=natural_key) == ["9", "10", "f", "f1", "F2", "f02b", "f10"]
