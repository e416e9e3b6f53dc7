"""TIFF stacks of every make, read a run of frames at a time."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import tifffile

from graticule.core.errors import InputError
from graticule.io import open_movie

TYPES = ["u1", "i1", "u2", "i2", "u4", "i4", "f4", "f8", "f2"]


def stack(dtype="u2", shape=(7, 20, 31)) -> np.ndarray:
    return np.random.default_rng(2).integers(0, 120, shape).astype(dtype)


def check(path: Path, frames: np.ndarray):
    """Open, compare every run of one and three frames, and again after a pickle."""
    movie = open_movie(str(path))
    assert movie.shape == frames.shape
    assert movie.dtype == frames.dtype
    assert movie.dtype.isnative
    again = pickle.loads(pickle.dumps(movie))
    for start in range(len(frames)):
        for stop in (start + 1, min(start + 3, len(frames))):
            found = again.read(start, stop)
            np.testing.assert_array_equal(found, frames[start:stop])
            assert found.dtype == frames.dtype
    np.testing.assert_array_equal(movie.read(0, len(frames)), frames)
    return movie


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("order", ["<", ">"])
def test_every_type_and_byte_order_is_read_as_native(tmp_path, dtype, order):
    tifffile.imwrite(tmp_path / "a.tif", stack(dtype), byteorder=order, photometric="minisblack")
    check(tmp_path / "a.tif", stack(dtype))


@pytest.mark.parametrize(
    "options",
    [
        {"bigtiff": True},
        {"compression": "zlib"},
        {"compression": "lzw", "predictor": True},
        {"compression": "zstd", "rowsperstrip": 4},
        {"tile": (16, 16)},
        {"rowsperstrip": 3},
        {"ome": True},
        {"imagej": True},
        {"contiguous": True, "metadata": None},
    ],
    ids=str,
)
def test_every_layout_gives_the_same_frames(tmp_path, options):
    check_path = tmp_path / ("a.ome.tif" if options.get("ome") else "a.tif")
    axes = {"metadata": {"axes": "TYX"}} if "ome" in options or "imagej" in options else {}
    tifffile.imwrite(check_path, stack(), photometric="minisblack", **options, **axes)
    assert check(check_path, stack()).name == "a"


def test_pages_written_one_by_one_are_frames(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        for frame in stack():
            writer.write(frame, contiguous=False)
    check(tmp_path / "a.tif", stack())


def test_pages_with_growing_gaps_are_found(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        for index, frame in enumerate(stack()):
            writer.write(frame, contiguous=False, description="x" * index**2, metadata=None)
    check(tmp_path / "a.tif", stack())


def test_a_single_image_is_a_movie_of_one_frame(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", stack()[0])
    check(tmp_path / "a.tif", stack()[:1])


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_grey_in_colour_stays_exact(tmp_path, planar, compression):
    frames = stack("u1")
    colour = np.repeat(frames[..., None], 3, -1)
    pixels = colour if planar == "contig" else np.moveaxis(colour, -1, 1)
    tifffile.imwrite(
        tmp_path / "a.tif", pixels, photometric="rgb", planarconfig=planar, compression=compression
    )
    check(tmp_path / "a.tif", frames)


def test_a_palette_is_looked_up(tmp_path):
    palette = np.tile(np.arange(255, -1, -1, dtype=np.uint16) * 257, (3, 1))
    frames = stack("u1")
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        for frame in frames:
            writer.write(frame, photometric="palette", colormap=palette, metadata=None)
    check(tmp_path / "a.tif", 255 - frames)


def test_white_as_zero_is_inverted_with_a_note(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", stack("u1"), photometric="miniswhite")
    movie = check(tmp_path / "a.tif", 255 - stack("u1"))
    assert any("inverted" in note for note in movie.notes)


def test_bool_becomes_uint8(tmp_path):
    mask = stack() > 60
    tifffile.imwrite(tmp_path / "a.tif", mask, photometric="minisblack")
    check(tmp_path / "a.tif", mask.astype(np.uint8))


def test_a_thumbnail_page_is_ignored_with_a_note(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        writer.write(stack()[0][::2, ::2], subfiletype=1, metadata=None)
        for frame in stack():
            writer.write(frame, metadata=None)
    assert any("thumbnail" in note for note in check(tmp_path / "a.tif", stack()).notes)


def write_imagej(path, *, resolution=(4.0, 4.0), **metadata):
    tifffile.imwrite(
        path, stack("u1"), imagej=True, resolution=resolution, metadata={"axes": "TYX", **metadata}
    )
    return open_movie(str(path))


@pytest.mark.parametrize(
    ("unit", "size_nm"), [("nm", 0.25), ("um", 250), ("micron", 250), ("\\u00B5m", 250), ("A", 0.025)]
)
def test_imagej_gives_pixel_size_and_frame_interval(tmp_path, unit, size_nm):
    movie = write_imagej(tmp_path / "a.tif", unit=unit, finterval=0.5)
    assert movie.calibration.pixel_size_nm == pytest.approx(size_nm)
    assert movie.calibration.frame_interval_s == 0.5
    assert movie.notes == ()


@pytest.mark.parametrize("unit", ["pixel", "", "1/nm"])
def test_imagej_without_a_unit_of_length_is_unknown_with_one_note(tmp_path, unit):
    movie = write_imagej(tmp_path / "a.tif", unit=unit)
    assert movie.calibration.pixel_size_nm is None
    assert len(movie.notes) == 1


def test_unequal_scales_are_unknown_with_one_note(tmp_path):
    movie = write_imagej(tmp_path / "a.tif", resolution=(4.0, 5.0), unit="nm")
    assert movie.calibration.pixel_size_nm is None
    assert "differ" in movie.notes[0]


def test_ome_gives_pixel_size_and_frame_interval(tmp_path):
    metadata = {
        "axes": "TYX", "TimeIncrement": 40, "TimeIncrementUnit": "ms",
        "PhysicalSizeX": 0.12, "PhysicalSizeXUnit": "nm", "PhysicalSizeY": 1.2, "PhysicalSizeYUnit": "Å",
    }  # fmt: skip
    tifffile.imwrite(tmp_path / "a.ome.tif", stack(), metadata=metadata)
    calibration = open_movie(str(tmp_path / "a.ome.tif")).calibration
    assert calibration.pixel_size_nm == pytest.approx(0.12)
    assert calibration.frame_interval_s == pytest.approx(0.04)


def test_ome_sizes_without_a_unit_are_micrometers(tmp_path):
    tifffile.imwrite(
        tmp_path / "a.ome.tif", stack(), metadata={"axes": "TYX", "PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5}
    )
    assert open_movie(str(tmp_path / "a.ome.tif")).calibration.pixel_size_nm == 500


def test_print_resolution_is_no_calibration(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", stack(), resolution=(300, 300), resolutionunit="inch")
    movie = open_movie(str(tmp_path / "a.tif"))
    assert movie.calibration.pixel_size_nm is None
    assert "print" in movie.notes[0]


@pytest.mark.parametrize("kind", ["ome", "imagej"])
def test_two_channels_are_refused(tmp_path, kind):
    path = tmp_path / ("a.ome.tif" if kind == "ome" else "a.tif")
    tifffile.imwrite(path, stack(shape=(5, 2, 8, 9)), metadata={"axes": "TCYX"}, **{kind: True})
    with pytest.raises(InputError, match="C = 2"):
        open_movie(str(path))


def test_slices_are_frames_with_a_note(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", stack(), imagej=True, metadata={"axes": "ZYX"})
    assert any("slices" in note for note in check(tmp_path / "a.tif", stack()).notes)


def test_several_ome_images_are_refused(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.ome.tif", ome=True) as writer:
        writer.write(stack(), metadata={"axes": "TYX", "Name": "first"})
        writer.write(stack(), metadata={"axes": "TYX", "Name": "second"})
    with pytest.raises(InputError, match="first, second"):
        open_movie(str(tmp_path / "a.ome.tif"))


def test_pages_of_different_sizes_are_refused_by_number(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        writer.write(stack()[0], metadata=None)
        writer.write(stack()[0][:9], metadata=None)
    with pytest.raises(InputError, match=r"a\.tif: page 1 has 9 x 31"):
        open_movie(str(tmp_path / "a.tif"))


def test_complex_pixels_are_refused(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", stack("c8"), photometric="minisblack")
    with pytest.raises(InputError, match="complex"):
        open_movie(str(tmp_path / "a.tif"))


@pytest.mark.parametrize(
    "options", [{}, {"compression": "zlib"}, {"imagej": True}, {"bigtiff": True}], ids=str
)
@pytest.mark.parametrize("part", [0.001, 0.1, 0.5, 0.97])
def test_a_truncated_stack_is_refused_by_name(tmp_path, options, part):
    noise = np.random.default_rng(0).integers(0, 255, (9, 64, 64)).astype(np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", noise, **options)
    content = (tmp_path / "a.tif").read_bytes()
    (tmp_path / "cut.tif").write_bytes(content[: max(9, int(len(content) * part))])
    with pytest.raises(InputError, match=r"cut\.tif.*(truncated|damaged).*copy"):
        open_movie(str(tmp_path / "cut.tif")).read(0, 9)


def test_a_stack_cut_between_pages_names_the_page(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        for frame in stack():
            writer.write(frame, contiguous=False, metadata=None)
    with tifffile.TiffFile(tmp_path / "a.tif") as tif:
        end = tif.pages[4].offset
    (tmp_path / "cut.tif").write_bytes((tmp_path / "a.tif").read_bytes()[:end])
    with pytest.raises(InputError, match="page 4"):
        open_movie(str(tmp_path / "cut.tif"))


def test_damaged_pixels_are_refused_by_page(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (4, 64, 64)).astype(np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", noise, compression="zlib", photometric="minisblack")
    with tifffile.TiffFile(tmp_path / "a.tif") as tif:
        start = tif.pages[2].dataoffsets[0]
    content = bytearray((tmp_path / "a.tif").read_bytes())
    content[start : start + 500] = b"\xff" * 500
    (tmp_path / "a.tif").write_bytes(content)
    movie = open_movie(str(tmp_path / "a.tif"))
    movie.read(0, 2)
    with pytest.raises(InputError, match=r"a\.tif: page 2 is damaged"):
        movie.read(2, 3)
    movie.read(3, 4)


def test_a_picture_named_tif_is_no_tiff(tmp_path):
    (tmp_path / "a.tif").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(50))
    with pytest.raises(InputError, match="no TIFF"):
        open_movie(str(tmp_path / "a.tif"))


def test_ten_thousand_pages_open_fast_and_pickle_small(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        writer.write(np.zeros((10_000, 2, 2), np.uint8), photometric="minisblack")
    movie = open_movie(str(tmp_path / "a.tif"))
    assert movie.shape[0] == 10_000
    assert len(pickle.dumps(movie)) < 2000


def test_a_stack_by_url_reads_the_same(tmp_path):
    import fsspec

    for name, options in (("plain.tif", {}), ("coded.tif", {"compression": "zlib"})):
        tifffile.imwrite(tmp_path / name, stack(), **options)
        fsspec.filesystem("memory").pipe(f"/{name}", (tmp_path / name).read_bytes())
        movie = open_movie(f"memory://{name}")
        np.testing.assert_array_equal(movie.read(2, 5), stack()[2:5])
