"""Files of microscopes: the real ones, and those that hold no movie."""

import json
import pickle
import shutil
import subprocess
import sys
import tracemalloc

import h5py
import numpy as np
import pytest

from graticule.core.errors import InputError
from graticule.io import open_movie
from microscope_files import dm4, mrc

# name: shape, type, pixel size in nm, frame interval in s, words of the notes
REAL = {
    "20241021_00405_movie.mrc": ((32, 4, 8), "uint16", None, None, ["-1 nm"]),
    "64x64x5_TEM_preview.emi": ((5, 64, 64), "float32", 6.281833616, None, []),
    "64x64x5_TEM_preview_1.ser": ((5, 64, 64), "float32", 6.281833616, None, []),
    "example_image.emd": ((1, 3, 3), "int32", None, None, ["without a unit"]),
    "image_10.dm4": ((1, 2, 2), "uint16", None, None, ["without a unit"]),
    "stack_1.dm4": ((2, 2, 2), "int16", None, None, ["without a unit"]),
    "stack_9.dm3": ((2, 2, 2), "int8", None, None, ["without a unit"]),
    "test_stackbuilder_imagestack.dm3": ((3, 2, 16), "uint32", 59.982903302, None, []),
    "test_loading_image_saved_with_DM_stack.tif": ((2, 68, 68), "float32", None, 2.5, ["differ"]),
    "test_tvips_2345_split_000.tvips": ((6, 4, 5), "uint16", None, None, ["1/nm", "0 s"]),
}


@pytest.mark.shared_data
@pytest.mark.parametrize("name", REAL)
def test_every_real_file_opens_with_the_scale_it_can_answer_for(shared_data, name):
    shape, dtype, pixel_size_nm, interval_s, words = REAL[name]
    movie = open_movie(str(shared_data / "formats" / name))
    assert (movie.shape, movie.dtype.name) == (shape, dtype)
    assert movie.calibration.pixel_size_nm == (pixel_size_nm and pytest.approx(pixel_size_nm))
    assert movie.calibration.frame_interval_s == interval_s
    assert len(movie.notes) == len(words)
    assert all(word in note for word, note in zip(words, movie.notes, strict=True))
    whole = movie.read(0, shape[0])
    assert whole.dtype == movie.dtype
    assert movie.dtype.isnative
    content = pickle.dumps(movie)
    assert len(content) < 2000
    np.testing.assert_array_equal(pickle.loads(content).read(shape[0] - 1, shape[0]), whole[-1:])


@pytest.mark.shared_data
def test_no_image_file_among_the_real_ones_is_left_out(shared_data):
    others = {
        "file1.dens",
        "protochips_thermal.csv",
        "test_tvips_2345_split_001.tvips",
        "test_tvips_2345_split_002.tvips",
    }
    assert {file.name for file in (shared_data / "formats").iterdir()} - others == set(REAL)


@pytest.mark.shared_data
@pytest.mark.parametrize("name", ["file1.dens", "protochips_thermal.csv"])
def test_a_heating_log_is_not_a_movie(shared_data, name):
    with pytest.raises(InputError, match="log, not a movie"):
        open_movie(str(shared_data / "formats" / name))


@pytest.mark.shared_data
def test_a_later_part_of_a_series_names_the_first(shared_data):
    with pytest.raises(InputError, match=r"give its first part, .*_000\.tvips"):
        open_movie(str(shared_data / "formats" / "test_tvips_2345_split_001.tvips"))


@pytest.mark.shared_data
def test_a_series_names_all_its_parts(shared_data):
    movie = open_movie(str(shared_data / "formats" / "test_tvips_2345_split_000.tvips"))
    assert [file[-9:] for file in movie.files] == ["000.tvips", "001.tvips", "002.tvips"]


@pytest.mark.shared_data
def test_an_emi_without_its_ser_says_what_is_missing(shared_data, tmp_path):
    shutil.copy(shared_data / "formats" / "64x64x5_TEM_preview.emi", tmp_path)
    with pytest.raises(InputError, match=r"64x64x5_TEM_preview_1\.ser"):
        open_movie(str(tmp_path / "64x64x5_TEM_preview.emi"))


@pytest.mark.shared_data
@pytest.mark.parametrize(
    "name", ["stack_1.dm4", "64x64x5_TEM_preview_1.ser", "example_image.emd", "20241021_00405_movie.mrc"]
)
@pytest.mark.parametrize("part", [0.02, 0.5])
def test_a_truncated_file_is_named(shared_data, tmp_path, name, part):
    content = (shared_data / "formats" / name).read_bytes()
    (tmp_path / name).write_bytes(content[: int(len(content) * part)])
    with pytest.raises(InputError, match=name.replace(".", r"\.")):
        read_all(tmp_path / name)


def read_all(path) -> np.ndarray:
    movie = open_movie(str(path))
    return movie.read(0, movie.shape[0])


def test_a_crafted_dm4_image_opens(tmp_path):
    pixels = np.arange(12, dtype=np.float32).reshape(3, 4)
    (tmp_path / "image.dm4").write_bytes(dm4(pixels))
    np.testing.assert_array_equal(open_movie(str(tmp_path / "image.dm4")).read(0, 1)[0], pixels)


def test_a_dm4_that_is_a_spectrum_is_refused(tmp_path):
    (tmp_path / "spectrum.dm4").write_bytes(dm4(np.arange(64, dtype=np.float32)))
    with pytest.raises(InputError, match=r"spectrum\.dm4 holds no image.*spectrum"):
        open_movie(str(tmp_path / "spectrum.dm4"))


def write_velox(path, **detectors):
    with h5py.File(path, "w") as file:
        file["Version"] = np.array([b'{"format":"Velox","version":"1.0"}'])
        for name, frames in detectors.items():
            image = file.create_group(f"Data/Image/{name}")
            image.create_dataset("Data", data=np.moveaxis(frames, 0, -1), chunks=(*frames.shape[1:], 1))
            size = {"PixelSize": {"width": "2e-10", "height": "2e-10"}, "PixelUnitX": "m", "PixelUnitY": "m"}
            parts = ("Core", "Detectors", "Instrument", "Acquisition", "Optics", "Stage", "CustomProperties")
            metadata = json.dumps(
                {"BinaryResult": size | {"Offset": {"x": "0", "y": "0"}, "Detector": name}}
                | {"Scan": {"FrameTime": "0.5"}, "Sample": {}}
                | {part: {} for part in parts}
            )
            text = np.zeros((4096, frames.shape[0]), np.uint8)
            text[: len(metadata)] = np.frombuffer(metadata.encode(), np.uint8)[:, None]
            image["Metadata"] = text


def test_a_velox_movie_opens_with_its_scale(tmp_path):
    frames = np.arange(5 * 6 * 7, dtype=np.uint16).reshape(5, 6, 7)
    write_velox(tmp_path / "a.emd", HAADF=frames)
    movie = open_movie(str(tmp_path / "a.emd"))
    np.testing.assert_array_equal(movie.read(1, 4), frames[1:4])
    assert movie.calibration.pixel_size_nm == pytest.approx(0.2)
    assert movie.calibration.frame_interval_s == 0.5
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(movie)).read(4, 5), frames[4:])


def test_of_several_detectors_one_is_taken_with_a_note(tmp_path):
    frames = np.arange(5 * 6 * 7, dtype=np.uint16).reshape(5, 6, 7)
    write_velox(tmp_path / "a.emd", BF=frames, HAADF=frames + 1)
    movie = open_movie(str(tmp_path / "a.emd"))
    assert movie.shape == (5, 6, 7)
    assert len(movie.notes) == 1
    assert "is taken" in movie.notes[0]


def test_a_file_of_many_images_is_told_of_in_one_line(tmp_path):
    frame = np.zeros((1, 6, 7), np.uint16)
    write_velox(tmp_path / "a.emd", **{f"{number:03}{'x' * 200}": frame for number in range(30)})
    [note] = open_movie(str(tmp_path / "a.emd")).notes
    assert note.startswith("30 images in the file")
    assert len(note) < 300


def test_a_url_is_refused_with_the_remedy(tmp_path):
    import fsspec

    fsspec.filesystem("memory").pipe("/a.dm4", dm4(np.zeros((2, 2), np.float32)))
    with pytest.raises(InputError, match="copy it"):
        open_movie("memory://a.dm4")


def test_without_the_library_the_extra_is_named(tmp_path):
    (tmp_path / "a.dm4").write_bytes(dm4(np.zeros((2, 2), np.float32)))
    code = (
        "import sys; sys.modules['rsciio'] = None\n"
        "from graticule.io import open_movie\n"
        f"try: open_movie({str(tmp_path / 'a.dm4')!r})\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "InputError" in done.stdout
    assert "pip install 'graticule[em]'" in done.stdout


BYTES = np.random.default_rng(0).integers(0, 256, (5, 6, 7)).astype(np.uint8)


@pytest.mark.parametrize(
    ("header", "dtype", "doubts"),
    [
        ({"imod_flags": 1}, np.int8, 0),
        ({"imod_flags": 0}, np.uint8, 0),
        ({"span": (-128, 127)}, np.int8, 0),
        ({"span": (0, 255)}, np.uint8, 0),
        ({}, np.int8, 1),
    ],
)
def test_bytes_of_an_mrc_have_the_sign_its_header_tells(tmp_path, header, dtype, doubts):
    movie = open_movie(str(mrc(tmp_path / "a.mrc", BYTES, mode=0, **header)))
    assert movie.dtype == dtype
    np.testing.assert_array_equal(movie.read(1, 4), BYTES.view(dtype)[1:4])
    assert sum("signed" in note for note in movie.notes) == doubts


def test_a_run_of_an_mrc_does_not_load_the_movie(tmp_path):
    frames = np.random.default_rng(0).integers(0, 99, (200, 256, 256)).astype(np.int16)
    movie = open_movie(str(mrc(tmp_path / "a.mrc", frames, mode=1)))
    movie.read(0, 1)
    tracemalloc.start()
    found = movie.read(100, 104)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    np.testing.assert_array_equal(found, frames[100:104])
    assert peak < 12 << 20 < frames.nbytes
