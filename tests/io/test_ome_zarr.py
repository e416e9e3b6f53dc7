"""OME-Zarr of both versions, and what is none."""

import pickle

import numpy as np
import pytest
import zarr

from graticule.core.errors import InputError
from graticule.io import open_movie
from graticule.io.digest import input_digest


def write_image(path, pixels, letters, *, version="0.5", units=(), scale=None, chunks=None):
    units = dict(units)
    axes = [
        {"name": letter, "type": {"t": "time", "c": "channel"}.get(letter, "space")}
        | ({"unit": units[letter]} if letter in units else {})
        for letter in letters
    ]
    steps = [float((scale or {}).get(letter, 1.0)) for letter in letters]
    datasets = [{"path": "0", "coordinateTransformations": [{"type": "scale", "scale": steps}]}]
    image = {"version": version, "axes": axes, "datasets": datasets}
    group = zarr.open_group(path, mode="w", zarr_format=3 if version == "0.5" else 2)
    group.attrs.update(
        {"ome": {"version": version, "multiscales": [image]}}
        if version == "0.5"
        else {"multiscales": [image]}
    )
    array = group.create_array("0", shape=pixels.shape, dtype=pixels.dtype, chunks=chunks or pixels.shape)
    array[...] = pixels
    return str(path)


def frames(dtype="u2", shape=(6, 15, 18)) -> np.ndarray:
    return np.random.default_rng(4).integers(0, 100, shape).astype(dtype)


@pytest.mark.parametrize("version", ["0.4", "0.5"])
@pytest.mark.parametrize(
    ("letters", "shape"),
    [("tyx", (6, 15, 18)), ("tcyx", (6, 1, 15, 18)), ("tczyx", (6, 1, 1, 15, 18)), ("tzyx", (6, 1, 15, 18))],
)
def test_movies_of_both_versions_are_read(tmp_path, version, letters, shape):
    pixels = frames().reshape(shape)
    movie = open_movie(
        write_image(tmp_path / "a.ome.zarr", pixels, letters, version=version, chunks=(2, *shape[1:]))
    )
    assert movie.name == "a"
    assert (movie.shape, movie.dtype) == ((6, 15, 18), np.uint16)
    assert movie.run_hint == 2
    again = pickle.loads(pickle.dumps(movie))
    np.testing.assert_array_equal(again.read(1, 4), frames()[1:4])
    assert len(pickle.dumps(again)) < 2000


def test_an_image_is_a_movie_of_one_frame(tmp_path):
    movie = open_movie(write_image(tmp_path / "a.zarr", frames()[0], "yx"))
    np.testing.assert_array_equal(movie.read(0, 1), frames()[:1])


@pytest.mark.parametrize("dtype", ["bool", "i1", ">u2", "f2", "f4", "u8"])
def test_types_become_native(tmp_path, dtype):
    movie = open_movie(write_image(tmp_path / "a.zarr", frames(dtype), "tyx", version="0.4"))
    found = movie.read(0, 6)
    assert found.dtype == movie.dtype
    assert movie.dtype.isnative
    np.testing.assert_array_equal(found, frames(dtype).astype(movie.dtype))


@pytest.mark.parametrize(
    ("space", "time", "nm", "seconds"),
    [
        ("nanometer", "second", 0.5, 2),
        ("micrometer", "millisecond", 500, 0.002),
        ("angstrom", "minute", 0.05, 120),
    ],
)
def test_units_give_the_calibration(tmp_path, space, time, nm, seconds):
    path = write_image(
        tmp_path / "a.zarr",
        frames(),
        "tyx",
        units={"t": time, "y": space, "x": space},
        scale={"t": 2, "y": 0.5, "x": 0.5},
    )
    calibration = open_movie(path).calibration
    assert calibration.pixel_size_nm == pytest.approx(nm)
    assert calibration.frame_interval_s == pytest.approx(seconds)


def test_the_scale_of_all_levels_counts_too(tmp_path):
    path = write_image(
        tmp_path / "a.zarr", frames(), "tyx", units={"y": "nanometer", "x": "nanometer", "t": "second"}
    )
    group = zarr.open_group(path)
    ome = group.attrs["ome"]
    ome["multiscales"][0]["coordinateTransformations"] = [{"type": "scale", "scale": [0.1, 3.0, 3.0]}]
    group.attrs["ome"] = ome
    calibration = open_movie(path).calibration
    assert (calibration.pixel_size_nm, calibration.frame_interval_s) == (3.0, 0.1)


def test_without_units_nothing_is_known_and_nothing_said(tmp_path):
    movie = open_movie(write_image(tmp_path / "a.zarr", frames(), "tyx"))
    assert movie.calibration.pixel_size_nm is None
    assert movie.notes == ()


def test_two_channels_are_refused(tmp_path):
    path = write_image(tmp_path / "a.zarr", frames(shape=(3, 2, 8, 9)), "tcyx")
    with pytest.raises(InputError, match="c = 2"):
        open_movie(path)


def test_a_plain_zarr_array_is_no_image(tmp_path):
    zarr.save_array(tmp_path / "a.zarr", frames())
    with pytest.raises(InputError, match="no OME-Zarr image"):
        open_movie(str(tmp_path / "a.zarr"))


def test_a_group_without_images_is_no_image(tmp_path):
    zarr.open_group(tmp_path / "a.zarr", mode="w")
    with pytest.raises(InputError, match="multiscales"):
        open_movie(str(tmp_path / "a.zarr"))


def test_a_missing_level_is_an_error_of_one_line(tmp_path):
    path = write_image(tmp_path / "a.zarr", frames(), "tyx")
    (tmp_path / "a.zarr" / "0" / "zarr.json").unlink()
    with pytest.raises(InputError, match=r"a\.zarr") as caught:
        open_movie(path)
    assert "\n" not in str(caught.value)


def test_labels_do_not_change_the_digest_and_pixels_do(tmp_path):
    path = write_image(tmp_path / "a.zarr", frames(), "tyx")
    before = input_digest(open_movie(path))
    zarr.open_group(tmp_path / "a.zarr" / "labels", mode="w")
    assert input_digest(open_movie(path)) == before
    chunk = next(file for file in (tmp_path / "a.zarr" / "0" / "c").rglob("*") if file.is_file())
    chunk.write_bytes(chunk.read_bytes() + b"?")
    assert input_digest(open_movie(path)) != before


def test_an_image_inside_a_converted_folder_is_found(tmp_path):
    root = zarr.open_group(tmp_path / "a.zarr", mode="w")
    root.attrs["bioformats2raw.layout"] = 3
    write_image(tmp_path / "a.zarr" / "0", frames(), "tyx")
    np.testing.assert_array_equal(open_movie(str(tmp_path / "a.zarr")).read(0, 6), frames())
