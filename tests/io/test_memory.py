"""Reading some frames costs memory for some frames."""

import tracemalloc

import numpy as np
import pytest
import tifffile

from graticule.io import open_movie
from graticule.io.select import select

FRAMES, SIZE = 200, 256
FRAME_BYTES = SIZE * SIZE


def peak_frames(movie, start: int, stop: int) -> float:
    """Return the peak of memory while reading, in frames."""
    movie.read(0, 1)
    tracemalloc.start()
    try:
        movie.read(start, stop)
        return tracemalloc.get_traced_memory()[1] / FRAME_BYTES
    finally:
        tracemalloc.stop()


@pytest.fixture(scope="module")
def noise():
    return np.random.default_rng(0).integers(0, 255, (FRAMES, SIZE, SIZE)).astype(np.uint8)


@pytest.mark.parametrize("options", [{}, {"compression": "zlib"}, {"byteorder": ">"}], ids=str)
def test_a_run_of_a_tiff_costs_its_own_frames(tmp_path, noise, options):
    tifffile.imwrite(tmp_path / "a.tif", noise, photometric="minisblack", **options)
    assert peak_frames(open_movie(str(tmp_path / "a.tif")), 100, 104) < 12


def test_a_crop_and_an_average_do_not_hold_the_movie(tmp_path, noise):
    tifffile.imwrite(tmp_path / "a.tif", noise, photometric="minisblack")
    movie = open_movie(str(tmp_path / "a.tif"))
    cropped = select(movie, crop=(slice(0, 16), slice(0, 16)))
    assert peak_frames(cropped, 0, 10) < 14
