"""Any movie or folder of pictures as label images, without an experiment."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from graticule.core.errors import ConfigError, InputError, StorageError
from graticule.core.progress import Progress, ignore
from graticule.pipeline.label_images import segment_to_folder, stills
from graticule.pipeline.settings import SegmentSettings
from graticule.synthetic import simulate
from movies import sintering_tiff

PLAIN = {"sigma_px": 0.0, "background_px": None, "margin_px": 8, "split": False}


def picture(path: Path, *, size: int = 96, seed: int = 1) -> Path:
    """Write one simulated micrograph."""
    (frame,) = simulate("easy", frames=1, size=size, seed=seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(path, frame.image) if path.suffix.startswith(".tif") else _png(path, frame.image)
    return path


def _png(path: Path, image: np.ndarray) -> None:
    Image.fromarray((image / image.max() * 255).astype(np.uint8)).save(path)


def label(source: Path, out: Path, settings: SegmentSettings = SegmentSettings(), **options) -> list[str]:
    movies = stills(str(source), pixel_size_nm=None)
    segment_to_folder(movies, str(out), settings, listener=ignore, **options)
    return sorted(file.name for file in out.iterdir())


def test_a_folder_of_stills_gives_a_label_image_of_each_name(tmp_path):
    for name in ("a.png", "b.png", "au 2.png"):
        picture(tmp_path / "in" / name)
    assert label(tmp_path / "in", tmp_path / "out") == ["a.png", "au 2.png", "b.png"]
    with Image.open(tmp_path / "out" / "a.png") as image:
        assert image.mode.startswith("I;16")
        labels = np.asarray(image)
    assert labels.shape == (96, 96)
    np.testing.assert_array_equal(np.unique(labels), np.arange(labels.max() + 1))
    assert labels.max() > 0


def test_pictures_of_different_sizes_are_stills_of_their_own(tmp_path):
    for size in (96, 128):
        picture(tmp_path / "in" / f"s{size}.png", size=size)
    label(tmp_path / "in", tmp_path / "out")
    for size in (96, 128):
        with Image.open(tmp_path / "out" / f"s{size}.png") as image:
            assert image.size == (size, size)


def test_frames_of_a_movie_are_numbered(tmp_path):
    movie = sintering_tiff(tmp_path / "movie.tif", frames=3, size=96)
    assert label(movie, tmp_path / "out") == [f"frame_00000{t}.png" for t in range(3)]


def test_a_single_picture_keeps_its_name(tmp_path):
    assert label(picture(tmp_path / "au.png"), tmp_path / "out") == ["au.png"]


def test_pictures_of_equal_stems_are_refused(tmp_path):
    for name in ("a.tif", "a.tiff"):
        picture(tmp_path / "in" / name)
    with pytest.raises(ConfigError, match="two images are called 'a'"):
        label(tmp_path / "in", tmp_path / "out")
    assert not list(tmp_path.glob("out/*.png"))


def test_more_instances_than_16_bits_hold_are_an_error(tmp_path):
    dots = np.full((1040, 1040), 10, np.uint8)
    for y, x in ((0, 0), (0, 1), (1, 0), (1, 1)):
        dots[y + 1 :: 4, x + 1 :: 4] = 200
    Image.fromarray(dots).save(tmp_path / "dots.png")
    settings = SegmentSettings(polarity="bright", tile=2048, min_diameter_px=1, options=PLAIN)
    with pytest.raises(InputError, match=r"67600 instances.*65535; raise --min-diameter-px"):
        label(tmp_path / "dots.png", tmp_path / "out", settings)
    assert not list(tmp_path.glob("out/*.png"))


def test_a_folder_with_other_files_is_left_alone_unless_overwrite(tmp_path):
    source, notes = picture(tmp_path / "au.png"), tmp_path / "out" / "notes.txt"
    notes.parent.mkdir()
    notes.write_text("mine")
    with pytest.raises(StorageError, match=r"not empty.*--overwrite"):
        label(source, notes.parent)
    assert label(source, notes.parent, overwrite=True) == ["au.png", "notes.txt"]
    assert notes.read_text() == "mine"


def test_tiles_leave_no_trace(tmp_path):
    source = picture(tmp_path / "au.png", size=160)
    label(source, tmp_path / "whole")
    label(source, tmp_path / "tiled", SegmentSettings(tile=64))
    whole, tiled = ((tmp_path / out / "au.png").read_bytes() for out in ("whole", "tiled"))
    assert whole == tiled


def test_progress_is_told_image_by_image(tmp_path):
    for name in ("a.png", "b.png"):
        picture(tmp_path / "in" / name)
    told: list[Progress] = []
    movies = stills(str(tmp_path / "in"), pixel_size_nm=None)
    segment_to_folder(movies, str(tmp_path / "out"), SegmentSettings(), listener=told.append)
    assert [(event.done, event.total) for event in told] == [(1, 2), (2, 2)]


def test_a_movie_of_nan_is_an_error(tmp_path):
    source = tmp_path / "nan.tif"
    tifffile.imwrite(source, np.full((2, 96, 96), np.nan, np.float32), photometric="minisblack")
    with pytest.raises(InputError, match=r"nan\.tif: no frame can be segmented"):
        label(source, tmp_path / "labels")
