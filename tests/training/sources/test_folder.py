import pickle

import fsspec
import numpy as np
import pytest
import tifffile
from PIL import Image

from graticule.core.errors import InputError
from graticule.training.sources import open_source
from pictures_on_disk import circles, data_set, picture, save

SQUARE = "0 0.25 0.25 0.75 0.25 0.75 0.75 0.25 0.75\n"


def opened(path):
    return open_source(str(path))


@pytest.mark.parametrize("images", ["images", "frames", "Images", "img"])
@pytest.mark.parametrize("masks", ["labels", "masks", "instances", "MASK"])
def test_images_lie_beside_labels_under_any_usual_name(tmp_path, images, masks):
    source = opened(data_set(tmp_path, images=images, masks=masks))
    example = source.load(3)
    assert len(source) == 4
    assert example.parted
    assert example.labels.max() == 3
    assert example.image.shape == example.labels.shape


def test_masks_are_not_parted_and_ids_are(tmp_path):
    masks = opened(data_set(tmp_path / "masks", labels=circles(value=255)))
    ids = opened(data_set(tmp_path / "ids"))
    assert (masks.load(0).parted, ids.load(0).parted) == (False, True)
    assert np.array_equal(masks.load(0).labels > 0, ids.load(0).labels > 0)


def test_an_image_of_one_particle_is_parted_where_others_have_ids(tmp_path):
    one = (circles() == 1).astype(np.uint8) * 255
    save(data_set(tmp_path) / "labels" / "label_2.png", one)
    example = opened(tmp_path).load(2)
    assert example.parted
    assert example.labels.max() == 1


def test_a_folder_named_instances_is_parted_whatever_it_holds(tmp_path):
    one = (circles() == 1).astype(np.uint8) * 255
    assert opened(data_set(tmp_path, labels=one, masks="instances")).load(0).parted


def test_images_without_labels_are_listed(tmp_path):
    (data_set(tmp_path) / "labels" / "label_1.png").unlink()
    source = opened(tmp_path)
    assert len(source) == 3
    assert source.unlabelled == ("image_1.png",)


def test_hidden_files_are_nothing_and_others_are_noted(tmp_path):
    data_set(tmp_path)
    for name in ("images/.DS_Store", "labels/.DS_Store", "images/._image_0.png", "labels/Thumbs.db"):
        save(tmp_path / name, "x")
    source = opened(tmp_path)
    assert len(source) == 4
    (note,) = source.notes
    assert "1 other files ignored (.db 1)" in note


def test_bright_particles_come_out_dark(tmp_path):
    bright = opened(data_set(tmp_path / "bright", dark=False)).load(0)
    dark = opened(data_set(tmp_path / "dark")).load(0)
    for example in (bright, dark):
        inside = example.labels > 0
        assert example.image[inside].mean() < example.image[~inside].mean() - 0.3
    assert bright.image.dtype == np.float32
    assert 0 <= bright.image.min() <= bright.image.max() <= 1


def test_an_image_without_particles_takes_the_polarity_of_others(tmp_path):
    for number in range(3):
        save(tmp_path / f"images/{number}.png", picture(circles(), seed=number, dark=False))
    for number, text in enumerate(["", SQUARE, ""]):
        save(tmp_path / f"labels/{number}.txt", text)
    inside = slice(14, 42), slice(16, 48)
    square = picture(np.zeros((56, 64), int), dark=True)
    square[inside] = 255
    save(tmp_path / "images/1.png", square)
    empty = opened(tmp_path).load(0)
    assert empty.labels.max() == 0
    assert empty.image[circles() > 0].mean() < empty.image[circles() == 0].mean()


def test_yolo_polygons_are_particles_and_an_image_without_a_file_is_unlabelled(tmp_path):
    for number in range(3):
        save(tmp_path / f"images/{number}.jpg", picture(circles()))
    save(tmp_path / "labels/0.txt", SQUARE * 2)
    save(tmp_path / "labels/1.txt", "")
    save(tmp_path / "labels/classes.txt", "particle\n")
    source = opened(tmp_path)
    assert [source.load(k).labels.max() for k in range(2)] == [1, 0]
    assert source.load(0).parted
    assert source.unlabelled == ("2.jpg",)


def test_parts_of_a_yolo_set_open_by_their_images(tmp_path):
    for part in ("train", "val"):
        save(tmp_path / f"images/{part}/0.png", picture(circles()))
        save(tmp_path / f"labels/{part}/0.txt", SQUARE)
    assert opened(tmp_path / "images" / "val").images[0].endswith("images/val/0.png")
    with pytest.raises(InputError, match=r"holds train, val\); give .*images/train"):
        opened(tmp_path)


@pytest.mark.parametrize(
    ("listed", "part"),
    [
        ("train: images/train\nval: images/val\n", "images/train"),
        ("path: .\ntrain: images/train\n", "images/train"),
        ("train: ../images/train\r\nnc: 1\r\n", "images/train"),
        ("train: other/images\n", "other/images"),
    ],
)
def test_a_yolo_list_gives_its_train_images(tmp_path, listed, part):
    save(tmp_path / part / "0.png", picture(circles()))
    save(tmp_path / part.replace("images", "labels") / "0.txt", SQUARE)
    source = opened(save(tmp_path / "data.yaml", listed))
    assert source.images == (str(tmp_path / part / "0.png"),)
    assert ("val" in listed) == any("--validation" in note for note in source.notes)


@pytest.mark.parametrize(
    ("listed", "message"),
    [
        ("train: nowhere\n", "nowhere is not there"),
        ("val: images\n", "names no folder under train"),
        ("train: [a, b]\n", "names no folder under train"),
        ("just words", "names no folder under train"),
        ("train: [", "damaged or not what its name says"),
    ],
)
def test_a_list_that_names_no_folder_is_refused(tmp_path, listed, message):
    with pytest.raises(InputError, match=message):
        opened(save(tmp_path / "data.yaml", listed))


def test_other_types_of_images_open_as_movies_do(tmp_path):
    for number, dtype in enumerate((np.uint16, np.float32)):
        (tmp_path / "images").mkdir(exist_ok=True)
        tifffile.imwrite(tmp_path / f"images/{number}.tif", picture(circles()).astype(dtype))
        save(tmp_path / f"masks/{number}.png", circles())
    assert [opened(tmp_path).load(k).labels.max() for k in range(2)] == [3, 3]


def test_pairs_of_different_sizes_are_all_counted_and_five_are_named(tmp_path):
    data_set(tmp_path, 9)
    for number in range(1, 8):
        save(tmp_path / f"labels/label_{number}.png", circles(size=(60, 64)))
    with pytest.raises(InputError, match="7 of 9 pairs cannot be used") as refused:
        opened(tmp_path)
    message = str(refused.value)
    assert message.count("60 x 64") == 5
    assert "image_1.png has 56 x 64 pixels and its labels" in message
    assert message.endswith("and 2 more")
    assert "\n" not in message


def test_values_are_checked_when_asked(tmp_path):
    data_set(tmp_path, 6, labels=circles(value=255))
    save(tmp_path / "labels/label_2.png", np.zeros((56, 64), np.uint8))
    save(tmp_path / "images/image_4.png", np.full((56, 64), 7, np.uint8))
    source = opened(tmp_path)
    with pytest.raises(InputError, match="2 of 6 pairs") as refused:
        source.check()
    assert "label_2.png has no particle" in str(refused.value)
    assert "image_4.png is blank: all its pixels are 7" in str(refused.value)
    with pytest.raises(InputError, match="image_4"):
        source.load(4)


def test_pixels_that_are_not_finite_are_named(tmp_path):
    data_set(tmp_path)
    pixels = picture(circles()).astype(np.float32)
    pixels[0, 0] = np.nan
    (tmp_path / "images/image_0.png").unlink()
    tifffile.imwrite(tmp_path / "images/image_0.tif", pixels)
    with pytest.raises(InputError, match=r"image_0\.tif has pixels that are not finite"):
        opened(tmp_path).check()


def test_a_good_set_passes_its_check(tmp_path):
    opened(data_set(tmp_path)).check()


def stack(path):
    tifffile.imwrite(path, np.stack([circles()] * 3), photometric="minisblack")


BAD_FOLDERS = {
    "no labels": (
        lambda root: save(root / "images/0.png", circles()),
        "it has images, and no folder of labels",
    ),
    "no images": (
        lambda root: save(root / "masks/0.png", circles()),
        "it has masks, and no folder of images",
    ),
    "one level up": (lambda root: data_set(root / "train"), "did you mean .*train;"),
    "two kinds of labels": (
        lambda root: (data_set(root), data_set(root, masks="masks")),
        "has labels and masks, and only one can be meant",
    ),
    "nothing": (lambda root: None, "holds no labelled images; give a folder"),
    "empty images": (
        lambda root: (save(root / "labels/0.png", circles()), (root / "images").mkdir()),
        r"images holds no pictures \(it holds nothing\)",
    ),
    "labels of no known type": (
        lambda root: (save(root / "labels/0.json", "{}"), save(root / "images/0.png", circles())),
        r"labels holds no labels \(it holds 0\.json\)",
    ),
    "a stack of labels": (
        lambda root: (
            data_set(root, 1),
            (root / "labels/label_0.png").unlink(),
            stack(root / "labels/l_0.tif"),
        ),
        "3 pages; save each as a picture of its own",
    ),
    "a stack of images": (
        lambda root: (
            data_set(root, 1),
            (root / "images/image_0.png").unlink(),
            stack(root / "images/i_0.tif"),
        ),
        "3 frames; save each as a picture of its own",
    ),
    "a cut file": (
        lambda root: (data_set(root) / "images/image_1.png").write_bytes(b"\x89PNG\r\n\x1a\n"),
        "1 of 4 pairs cannot be used: .*image_1.png",
    ),
}


@pytest.mark.parametrize("name", BAD_FOLDERS)
def test_a_folder_that_cannot_be_used_says_why_in_one_line(tmp_path, name):
    make, message = BAD_FOLDERS[name]
    make(tmp_path)
    with pytest.raises(InputError, match=message) as refused:
        opened(tmp_path)
    assert "\n" not in str(refused.value)


def test_the_folder_of_labels_names_its_parent(tmp_path):
    with pytest.raises(InputError, match=f"did you mean {tmp_path};"):
        opened(data_set(tmp_path) / "labels")


def test_a_path_that_is_not_there_or_is_a_single_file_is_refused(tmp_path):
    with pytest.raises(InputError, match="no such file or folder; give a folder with images"):
        opened(tmp_path / "nothing")
    with pytest.raises(InputError, match="a single file without labels"):
        opened(save(tmp_path / "a.png", circles()))


def test_loads_are_the_same_in_any_process(tmp_path):
    source = opened(data_set(tmp_path))
    there = pickle.loads(pickle.dumps(source))
    assert np.array_equal(source.load(1).image, there.load(1).image)
    assert np.array_equal(source.load(1).labels, there.load(1).labels)
    assert source.digest() == there.digest()


def test_the_digest_changes_with_a_file(tmp_path):
    before = opened(data_set(tmp_path)).digest()
    assert opened(tmp_path).digest() == before
    save(tmp_path / "labels/label_0.png", Image.fromarray(circles(first=5)))
    assert opened(tmp_path).digest() != before


def test_a_url_is_as_good_as_a_path(tmp_path):
    data_set(tmp_path)
    store = fsspec.filesystem("memory")
    store.put(str(tmp_path / "images"), "/labelled/images", recursive=True)
    store.put(str(tmp_path / "labels"), "/labelled/labels", recursive=True)
    try:
        there, here = opened("memory://labelled"), opened(tmp_path)
        assert len(there) == 4
        assert np.array_equal(there.load(2).image, here.load(2).image)
        assert len(there.digest()) == 64
    finally:
        store.rm("/labelled", recursive=True)
