"""Frames, crop and average of a movie, against the same done to an array."""

import pickle

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graticule.core.calibration import Calibration
from graticule.core.errors import ConfigError
from graticule.io import open_movie
from graticule.io.calibrated import with_calibration
from graticule.io.select import parse_crop, parse_frames, select

PIXELS = np.random.default_rng(5).integers(0, 60_000, (23, 12, 17)).astype(np.uint16)


@pytest.fixture(scope="module")
def movie(tmp_path_factory):
    path = tmp_path_factory.mktemp("select") / "movie.tif"
    metadata = {"axes": "TYX", "unit": "nm", "finterval": 0.5}
    tifffile.imwrite(path, PIXELS, imagej=True, resolution=(2, 2), metadata=metadata)
    return open_movie(str(path))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_selection_is_what_the_array_gives(movie, data):
    first = data.draw(st.integers(0, 22))
    stop = data.draw(st.integers(first + 1, 23))
    average = data.draw(st.integers(1, stop - first))
    y0, x0 = data.draw(st.integers(0, 11)), data.draw(st.integers(0, 16))
    crop = slice(y0, data.draw(st.integers(y0 + 1, 12))), slice(x0, data.draw(st.integers(x0 + 1, 17)))
    chosen = select(movie, frames=slice(first, stop), crop=crop, average=average)
    groups = (stop - first) // average
    taken = PIXELS[first : first + groups * average][(slice(None), *crop)]
    expected = taken.reshape(groups, average, *taken.shape[1:]).mean(axis=1)
    found = pickle.loads(pickle.dumps(chosen)).read(0, groups)
    assert (found.dtype, found.shape) == (chosen.dtype, chosen.shape)
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert [chosen.source_frame(index) for index in range(groups)] == [
        first + index * average for index in range(groups)
    ]


def test_nothing_selected_is_the_movie_itself(movie):
    assert select(movie) is movie


def test_averaging_lengthens_the_frame_interval_and_notes_what_is_dropped(movie):
    averaged = select(movie, average=4)
    assert averaged.dtype == np.float32
    assert averaged.calibration == Calibration(pixel_size_nm=0.5, frame_interval_s=2.0)
    assert any("3 trailing frames dropped" in note for note in averaged.notes)


def test_a_given_interval_is_the_sources(movie):
    averaged = select(movie, average=2, pixel_size_nm=3.0, frame_interval_s=0.1)
    assert averaged.calibration == Calibration(pixel_size_nm=3.0, frame_interval_s=0.2)


def test_selections_of_selections_count_in_source_frames(movie):
    twice = select(select(movie, frames=slice(4, 20), average=2), frames=slice(3, None))
    assert twice.source_frame(0) == 10
    np.testing.assert_allclose(twice.read(0, 1)[0], PIXELS[10:12].mean(axis=0))


def test_frames_beyond_the_end_are_left_out_with_a_note(movie):
    chosen = select(movie, frames=slice(20, 100))
    assert chosen.shape[0] == 3
    assert "the movie has 23" in chosen.notes[0]


@pytest.mark.parametrize("frames", [slice(23, 30), slice(50, None), slice(0, 0)])
def test_zero_frames_are_refused(movie, frames):
    with pytest.raises(ConfigError, match="none of the 23 frames"):
        select(movie, frames=frames)


@pytest.mark.parametrize("crop", ["0:13,:", ":,0:18", "12:,:", ":,17:"])
def test_a_crop_outside_the_frame_is_refused(movie, crop):
    with pytest.raises(ConfigError, match="frame of 12 x 17"):
        select(movie, crop=parse_crop(crop))


@pytest.mark.parametrize("average", [0, -1, 24])
def test_an_average_that_cannot_be_is_refused(movie, average):
    with pytest.raises(ConfigError, match=f"average {average}"):
        select(movie, average=average)


def test_reading_beyond_the_selection_is_an_index_error(movie):
    with pytest.raises(IndexError):
        select(movie, frames=slice(0, 5)).read(4, 6)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0:100", slice(0, 100)), (":5", slice(None, 5)), ("7:", slice(7, None)), (" 1 : 2 ", slice(1, 2))],
)
def test_spans_of_frames_are_read(text, expected):
    assert parse_frames(text) == expected


@pytest.mark.parametrize("text", ["", "5", "a:b", "1:2:3", "-5:", "9:3", "3:3", "0:0", "1.5:2"])
def test_other_spans_are_refused_with_the_text(text):
    with pytest.raises(ConfigError, match="frames"):
        parse_frames(text)


def test_a_crop_is_rows_then_columns():
    assert parse_crop("0:10, 5:") == (slice(0, 10), slice(5, None))


@pytest.mark.parametrize("text", ["0:10", "0:10,0:10,0:10", "0:10,x", "5:5,:"])
def test_other_crops_are_refused_with_the_text(text):
    with pytest.raises(ConfigError, match="crop"):
        parse_crop(text)


def test_a_given_calibration_settles_the_notes(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", PIXELS, resolution=(300, 300))
    movie = open_movie(str(tmp_path / "a.tif"))
    assert len(movie.notes) == 1
    settled = with_calibration(movie, Calibration(pixel_size_nm=0.2))
    assert settled.notes == ()
    assert settled.calibration.pixel_size_nm == 0.2
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(settled)).read(3, 5), PIXELS[3:5])
