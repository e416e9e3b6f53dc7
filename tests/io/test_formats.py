"""What is opened by whom, and what nobody opens."""

import shutil

import numpy as np
import pytest
import tifffile

from graticule.core.errors import InputError
from graticule.io import open_movie
from graticule.io.formats import FORMATS
from graticule.io.instruments import READERS


def refused(path, match=None):
    with pytest.raises(InputError, match=match) as caught:
        open_movie(str(path))
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    refused(tmp_path / "movie.mp4", "no such file")


def test_an_empty_folder_is_named(tmp_path):
    refused(tmp_path, "empty folder")


@pytest.mark.parametrize("ending", sorted(FORMATS))
def test_an_empty_file_is_named(tmp_path, ending):
    (tmp_path / f"movie{ending}").touch()
    refused(tmp_path / f"movie{ending}", "0 bytes")


@pytest.mark.parametrize("ending", sorted(FORMATS))
def test_nonsense_under_any_ending_is_one_line(tmp_path, ending):
    path = tmp_path / f"movie{'_000' if ending == '.tvips' else ''}{ending}"
    path.write_bytes(b"nonsense " * 300)
    refused(path)


def test_an_unknown_ending_lists_the_known(tmp_path):
    (tmp_path / "movie.xyz").write_bytes(b"nonsense")
    refused(tmp_path / "movie.xyz", r"\.xyz.*\.dm4.*\.mp4.*\.tif.*OME-Zarr")


def test_a_tiff_without_its_ending_opens(tmp_path):
    tifffile.imwrite(tmp_path / "movie.tif", np.zeros((2, 8, 9), np.uint8), photometric="minisblack")
    shutil.move(tmp_path / "movie.tif", tmp_path / "movie.dat")
    assert open_movie(str(tmp_path / "movie.dat")).shape == (2, 8, 9)


def test_a_file_url_is_a_path(tmp_path):
    tifffile.imwrite(tmp_path / "movie.tif", np.zeros((8, 9), np.uint8))
    assert open_movie(f"file://{tmp_path}/movie.tif").files == (str(tmp_path / "movie.tif"),)


def test_a_url_nobody_knows_is_one_line():
    with pytest.raises(InputError, match="nowhere://a/b"):
        open_movie("nowhere://a/b.tif")


def test_the_table_names_every_instrument_reader():
    assert {ending for ending, reader in FORMATS.items() if reader.startswith("instruments")} == set(READERS)
