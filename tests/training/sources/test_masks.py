import imagecodecs
import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from graticule.core.errors import InputError
from graticule.training.sources.masks import are_instances, read_mask, require_meaning
from pictures_on_disk import circles, save

COLOURS = np.array([[0, 0, 0], [255, 0, 0], [0, 255, 0], [0, 0, 255]], np.uint8)


def read(path, *, parted=True, named=False):
    return read_mask(str(path), parted=parted, named=named)


def palette(labels):
    image = Image.fromarray(labels.astype(np.uint8), "P")
    image.putpalette(COLOURS.tobytes() + bytes(768 - COLOURS.size))
    return image


def tiff(**options):
    def write(path, labels):
        tifffile.imwrite(path, labels, **options)

    return write


def min_is_white(path, labels):
    tifffile.imwrite(path, np.uint8(255) - labels.astype(np.uint8), photometric="miniswhite")


INSTANCE_FILES = {
    "8-bit.png": lambda path, labels: save(path, labels.astype(np.uint8)),
    "16-bit.PNG": lambda path, labels: save(path, labels),
    "far-apart-ids.png": lambda path, labels: save(path, labels * 20_000),
    "grey-as-RGB.png": lambda path, labels: save(path, np.stack([labels.astype(np.uint8)] * 3, -1)),
    "grey-as-RGBA.png": lambda path, labels: save(
        path, np.stack([*[labels.astype(np.uint8)] * 3, np.full(labels.shape, 255, np.uint8)], -1)
    ),
    "colours.png": lambda path, labels: save(path, COLOURS[labels]),
    "palette.png": lambda path, labels: save(path, palette(labels)),
    "palette.tif": lambda path, labels: save(path, palette(labels)),
    "8-bit.tif": lambda path, labels: tifffile.imwrite(path, labels.astype(np.uint8)),
    "32-bit.tiff": lambda path, labels: tifffile.imwrite(path, labels.astype(np.int32)),
    "float.tif": lambda path, labels: tifffile.imwrite(path, labels.astype(np.float32)),
    "packed.TIF": lambda path, labels: tifffile.imwrite(path, labels, compression="zlib"),
    "colours.tif": lambda path, labels: tifffile.imwrite(path, COLOURS[labels], photometric="rgb"),
    "planes.tif": lambda path, labels: tifffile.imwrite(
        path, np.moveaxis(COLOURS[labels], -1, 0), photometric="rgb", planarconfig="separate"
    ),
    "white-is-0.tif": min_is_white,
}


@pytest.mark.parametrize("name", INSTANCE_FILES)
def test_ids_come_back_from_any_kind_of_picture(tmp_path, name):
    INSTANCE_FILES[name](tmp_path / name, circles())
    labels = read(tmp_path / name)
    ours = circles().astype(np.int32)
    assert labels.dtype == np.int32
    assert labels.max() == 3
    assert len(np.unique(np.stack([labels.ravel(), ours.ravel()]), axis=1).T) == 4  # one to one


MASKS = {
    "0-255.png": circles(value=255).astype(np.uint8),
    "0-1.png": circles(value=1).astype(np.uint8),
    "0-7.png": circles(value=7),
    "one-bit.png": Image.fromarray(circles() > 0),
    "red.png": COLOURS[circles(value=1)],
    "bool.tif": Image.fromarray(circles() > 0),
}


@pytest.mark.parametrize("name", MASKS)
def test_a_mask_of_any_two_values_is_its_components(tmp_path, name):
    path = save(tmp_path / name, MASKS[name])
    labels = read(path, parted=False)
    assert labels.max() == 3
    assert np.array_equal(labels > 0, circles() > 0)
    assert not are_instances([str(path)])


def test_components_touch_at_corners(tmp_path):
    mask = np.zeros((8, 8), np.uint8)
    mask[1:4, 1:4] = mask[4:7, 4:7] = 255
    assert read(save(tmp_path / "m.png", mask), parted=False).max() == 1


def test_one_map_of_ids_makes_a_folder_of_instances(tmp_path):
    one = save(tmp_path / "one.png", circles(value=1))
    several = save(tmp_path / "several.png", circles())
    assert are_instances([str(one), str(several)])
    assert not are_instances([str(one)])


def test_a_bad_file_makes_no_folder_of_instances(tmp_path):
    noisy = save(tmp_path / "noisy.png", blurred(circles(value=255)))
    assert not are_instances([str(noisy), str(tmp_path / "missing.png")])


def blurred(mask):
    """A mask whose outline is made of shades."""
    wide = np.pad(mask.astype(float), 1, mode="edge")
    shades = sum(wide[dy : dy + mask.shape[0], dx : dx + mask.shape[1]] for dy in range(3) for dx in range(3))
    return (shades / 9).astype(np.uint8)


def with_grey(mask):
    grey = mask.astype(np.uint8)
    grey[30:35, 50:60] = 128
    return grey


def two_classes(labels):
    """Three discs of class 1, four specks of class 2."""
    classes = (labels > 0).astype(np.uint8)
    for y, x in ((2, 55), (20, 55), (30, 55), (50, 55)):
        classes[y : y + 3, x : x + 3] = 2
    return classes


REFUSED = {
    "no particle": (np.zeros((20, 20), np.uint8), r"has no particle \(all its pixels are 0\)"),
    "no background": (np.full((20, 20), 255, np.uint8), r"no pixel is 0; values 255"),
    "trimap": (1 + circles(value=1), r"no pixel is 0; values 1, 2"),
    "grey beside white": (with_grey(circles(value=255)), r"neither .* \(values 0, 128, 255\)"),
    "shades": (blurred(circles(value=255)), r"neither a mask nor a map of ids \(values 0, .* values\)"),
    "classes": (two_classes(circles()), r"neither .* \(values 0, 1, 2\)"),
    "photograph": (np.random.default_rng(0).integers(0, 256, (40, 40), np.uint8), r"256 values"),
    "colour photograph": (
        np.random.default_rng(0).integers(0, 256, (9, 9, 3), np.uint8),
        r"neither .*colours",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_values_without_a_meaning_are_refused_with_file_values_and_remedy(tmp_path, name):
    pixels, message = REFUSED[name]
    if name in ("photograph", "colour photograph"):
        pixels[0, 0] = 0
    path = save(tmp_path / "mask.png", pixels)
    with pytest.raises(InputError, match=message) as refused:
        read(path)
    assert str(refused.value).startswith(str(path))
    assert "\n" not in str(refused.value)


def test_a_mask_saved_as_jpeg_is_refused_for_its_shades(tmp_path):
    path = tmp_path / "mask.jpg"
    path.write_bytes(imagecodecs.jpeg8_encode(circles(value=255).astype(np.uint8), level=75))
    with pytest.raises(InputError, match="as PNG or TIFF"):
        read(path)


def test_the_name_instances_allows_white_among_few_ids(tmp_path):
    labels = circles(value=255).astype(np.uint8)
    labels[:20, :20][labels[:20, :20] > 0] = 128
    path = save(tmp_path / "mask.png", labels)
    with pytest.raises(InputError):
        read(path)
    assert read(path, named=True).max() == 2


def test_one_id_for_many_regions_is_refused_among_maps_of_ids(tmp_path):
    path = save(tmp_path / "mask.png", circles(value=255))
    with pytest.raises(InputError, match="one id for 3 separate regions"):
        read(path, parted=True)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (circles().astype(np.int16) - 1, "negative"),
        (circles().astype(np.float32) / 2, "no whole numbers"),
        (np.where(circles() > 0, np.nan, 0).astype(np.float32), "no whole numbers"),
    ],
)
def test_numbers_that_are_no_ids_are_refused(tmp_path, values, message):
    tifffile.imwrite(tmp_path / "mask.tif", values)
    with pytest.raises(InputError, match=message):
        read(tmp_path / "mask.tif")


def test_a_stack_is_no_label_file(tmp_path):
    tifffile.imwrite(tmp_path / "mask.tif", np.stack([circles()] * 3), photometric="minisblack")
    with pytest.raises(InputError, match="3 pages"):
        read(tmp_path / "mask.tif")


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n cut short"])
@pytest.mark.parametrize("name", ["mask.png", "mask.jpg", "mask.tif"])
def test_a_damaged_file_is_named(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=str(tmp_path / name)):
        read(tmp_path / name)


@given(st.permutations(range(1, 60)), st.integers(1, 7))
def test_separate_discs_are_a_map_of_ids_whatever_the_ids(ids, count):
    labels = np.zeros((12, 12 * count), np.uint16)
    for number in range(count):
        labels[3:8, 12 * number + 3 : 12 * number + 8] = ids[number]
    require_meaning(labels, "map", named=False)
