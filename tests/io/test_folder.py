"""Folders of pictures: order, what is left out, and the picture that does not fit."""

import pickle

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from graticule.core.errors import InputError
from graticule.io import open_movie


def picture(value: int = 0, shape=(24, 33), dtype=np.uint8) -> np.ndarray:
    return (np.random.default_rng(value).integers(0, 200, shape) + value % 50).astype(dtype)


def save(path, pixels, **options):
    path.parent.mkdir(exist_ok=True)
    Image.fromarray(pixels).save(path, **options)


@pytest.fixture
def folder(tmp_path):
    for index in (1, 2, 10, 11, 100):
        save(tmp_path / "movie" / f"frame_{index}.png", picture(index))
    return tmp_path / "movie"


def test_frames_come_in_natural_order(folder):
    movie = open_movie(str(folder))
    assert movie.name == "movie"
    assert movie.shape == (5, 24, 33)
    np.testing.assert_array_equal(movie.read(0, 5), [picture(index) for index in (1, 2, 10, 11, 100)])
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(movie)).read(2, 3)[0], picture(10))


def test_other_files_are_ignored_and_counted_in_one_note(folder):
    for name in ("notes.txt", "Thumbs.db", ".DS_Store", "._frame_1.png"):
        (folder / name).write_bytes(b"?")
    save(folder / "preview.jpg", picture())
    movie = open_movie(str(folder))
    assert movie.shape[0] == 5
    assert len(movie.notes) == 1
    assert movie.notes[0].startswith("5 files of other types ignored")


def test_as_many_of_two_types_are_refused(tmp_path):
    save(tmp_path / "a.png", picture())
    save(tmp_path / "a.jpg", picture())
    with pytest.raises(InputError, match="as many"):
        open_movie(str(tmp_path))


def test_a_frame_of_another_size_is_named(folder):
    save(folder / "frame_50.png", picture(shape=(24, 34)))
    movie = open_movie(str(folder))
    movie.read(0, 4)
    with pytest.raises(InputError, match=r"frame_50\.png is 24 x 34"):
        movie.read(3, 6)


def test_a_frame_of_another_type_is_named(folder):
    save(folder / "frame_50.png", picture(dtype=np.uint16))
    with pytest.raises(InputError, match=r"frame_50\.png .*uint16"):
        open_movie(str(folder)).read(4, 5)


@pytest.mark.parametrize("ending", ["png", "jpg", "tif"])
@pytest.mark.parametrize("part", [0, 0.3, 0.9])
def test_a_broken_picture_is_named(tmp_path, ending, part):
    for index in range(3):
        save(tmp_path / f"f{index}.{ending}", picture(index))
    content = (tmp_path / f"f1.{ending}").read_bytes()
    (tmp_path / f"f1.{ending}").write_bytes(content[: int(len(content) * part)])
    movie = open_movie(str(tmp_path))
    with pytest.raises(InputError, match=rf"f1\.{ending}"):
        movie.read(0, 3)


def test_a_picture_of_another_format_under_a_wrong_name_is_named(folder):
    Image.fromarray(picture()).save(folder / "frame_1.png", format="BMP")
    with pytest.raises(InputError, match=r"frame_1\.png .*no PNG"):
        open_movie(str(folder))


def test_a_folder_without_pictures_says_what_it_holds(tmp_path):
    (tmp_path / "movie.mp4").write_bytes(b"?")
    with pytest.raises(InputError, match=r"movie\.mp4"):
        open_movie(str(tmp_path))


def test_a_folder_of_tiffs_takes_the_first_ones_scale(tmp_path):
    for index in range(3):
        tifffile.imwrite(
            tmp_path / f"{index}.tif", picture(index), imagej=True, resolution=(2, 2), metadata={"unit": "nm"}
        )
    movie = open_movie(str(tmp_path))
    assert movie.shape[0] == 3
    assert movie.calibration.pixel_size_nm == 0.5


def test_a_folder_of_stacks_is_one_movie(tmp_path):
    parts = [np.stack([picture(10 * part + index) for index in range(4)]) for part in range(3)]
    for number, part in enumerate(parts):
        tifffile.imwrite(tmp_path / f"part{number}.tif", part, photometric="minisblack")
    movie = open_movie(str(tmp_path))
    whole = np.concatenate(parts)
    assert movie.shape == whole.shape
    for start, stop in ((0, 12), (3, 5), (4, 8), (11, 12)):
        np.testing.assert_array_equal(movie.read(start, stop), whole[start:stop])


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "P", "1", "I;16"])
def test_every_kind_of_png_gives_the_grey_of_its_picture(tmp_path, mode):
    grey = picture()
    if mode == "I;16":
        expected = (grey * np.uint16(257)).astype(np.uint16)
        Image.fromarray(expected).save(tmp_path / "a.png")
    else:
        image = Image.fromarray(grey).convert(mode)
        expected = np.asarray(image.convert("L"))
        image.save(tmp_path / "a.png")
    movie = open_movie(str(tmp_path / "a.png"))
    assert movie.dtype == expected.dtype
    np.testing.assert_array_equal(movie.read(0, 1)[0], expected)


def test_a_sixteen_bit_colour_png_keeps_its_depth(tmp_path):
    grey = picture(dtype=np.uint16) * 300
    (tmp_path / "a.png").write_bytes(imagecodecs.png_encode(np.repeat(grey[..., None], 3, -1)))
    np.testing.assert_array_equal(open_movie(str(tmp_path / "a.png")).read(0, 1)[0], grey)


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_every_kind_of_jpeg_gives_the_grey_of_its_picture(tmp_path, mode):
    smooth = np.add.outer(np.arange(64), np.arange(64)).astype(np.uint8)
    Image.fromarray(smooth).convert(mode).save(tmp_path / "a.jpg", quality=95)
    found = open_movie(str(tmp_path / "a.jpg")).read(0, 1)[0]
    assert np.abs(found.astype(int) - smooth).max() <= 4


def test_colours_become_luma(tmp_path):
    colours = np.zeros((1, 3, 3), np.uint8)
    colours[0, range(3), range(3)] = 200
    Image.fromarray(colours).save(tmp_path / "a.png")
    np.testing.assert_array_equal(open_movie(str(tmp_path / "a.png")).read(0, 1)[0], [[60, 117, 23]])


def test_a_folder_by_url_reads_the_same(folder):
    import fsspec

    for file in folder.iterdir():
        fsspec.filesystem("memory").pipe(f"/pictures/{file.name}", file.read_bytes())
    movie = open_movie("memory://pictures")
    np.testing.assert_array_equal(movie.read(0, 5), open_movie(str(folder)).read(0, 5))


@pytest.mark.shared_data
def test_real_folders_open(shared_data):
    assert open_movie(str(shared_data / "au750" / "frames")).shape == (97, 369, 369)
    movie = open_movie(str(shared_data / "em4" / "train" / "images"))
    assert movie.read(0, 20).shape == (20, 512, 512)
