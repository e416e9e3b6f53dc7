import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from drawn_examples import discs, example_of, scattered
from graticule.models.learned.views import cover, cut
from graticule.models.split import EIGHT
from graticule.training.crops import crop_of
from graticule.training.distance import centre_distance
from graticule.training.recipe import Augmentation
from threads import one_thread as one_thread

WIDE = Augmentation(scale=(0.3, 3.0), polarity=0.2, broken=0.5, fringe=0.5, blurred=0.8)
GEOMETRY_ONLY = Augmentation(
    untouched=0.0,
    gamma=(1, 1),
    gradient=0,
    fringe=0,
    grain=0,
    noise=0,
    blurred=0,
    margin=0,
    broken=0,
    scale=(0.5, 3.0),
)
seeds = st.integers(0, 2**62)
sizes = st.sampled_from([32, 33, 96, 300])


def pieces_of(labels):
    return {label: ndimage.label(labels == label, EIGHT)[1] for label in range(1, labels.max() + 1)}


@settings(max_examples=40, deadline=None)
@given(seed=seeds, size=sizes, parted=st.booleans())
def test_a_crop_is_as_networks_need_it(seed, size, parted):
    example = scattered(1)
    crop = crop_of(example_of(example.labels, parted=parted), size=size, augmentation=WIDE, seed=seed)
    assert crop.image.shape == crop.labels.shape == crop.distance.shape == (size, size)
    assert crop.image.dtype == crop.distance.dtype == np.float32
    assert crop.labels.dtype == np.int32
    assert np.isfinite(crop.image).all()
    assert crop.image.min() >= 0
    assert crop.image.max() <= 1
    assert set(pieces_of(crop.labels).values()) <= {1}
    assert crop.parted == parted
    assert np.array_equal(crop.distance, centre_distance(crop.labels) if parted else 0 * crop.image)


@settings(max_examples=15, deadline=None)
@given(seed=seeds, size=sizes)
def test_the_same_seed_gives_the_same_bytes_and_leaves_the_generators_of_others_alone(seed, size):
    torch.manual_seed(1)
    np.random.seed(1)  # noqa: NPY002
    once = crop_of(scattered(2), size=size, augmentation=WIDE, seed=seed)
    drawn = float(torch.rand(())), np.random.random()  # noqa: NPY002
    torch.manual_seed(1)
    np.random.seed(1)  # noqa: NPY002
    assert drawn == (float(torch.rand(())), np.random.random())  # noqa: NPY002
    again = crop_of(scattered(2), size=size, augmentation=WIDE, seed=seed)
    for one, other in zip(*([c.image, c.labels, c.distance] for c in (once, again)), strict=True):
        assert one.tobytes() == other.tobytes()


def test_the_example_is_left_as_it_was_and_may_be_read_only():
    example = scattered(3)
    example.image.flags.writeable = example.labels.flags.writeable = False
    before = example.image.copy(), example.labels.copy()
    for seed in range(8):
        crop = crop_of(example, size=64, augmentation=WIDE if seed else None, seed=seed)
        crop.image[:], crop.labels[:] = 0, 0
    assert np.array_equal(example.image, before[0])
    assert np.array_equal(example.labels, before[1])


@settings(max_examples=40, deadline=None)
@given(seed=seeds)
def test_a_particle_lies_where_its_picture_is(seed):
    example = example_of(discs((200, 240), (60, 70, 45), (140, 170, 50)))
    crop = crop_of(example, size=128, augmentation=GEOMETRY_ONLY, seed=seed)
    dark = crop.image < 0.5
    if crop.labels.any() and not crop.labels.all():
        seen = crop.labels > 0
        # at a piece's rim of a few pixels, some of them are another shade of grey
        apart, either = (seen != dark).sum(), (seen | dark).sum()
        assert apart <= 0.02 * either + 12


def test_without_augmentation_a_crop_as_large_as_the_image_is_the_image():
    example = scattered(5, (96, 96))
    crop = crop_of(example, size=96, augmentation=None, seed=0)
    assert np.array_equal(crop.image, example.image)
    assert np.array_equal(crop.labels > 0, example.labels > 0)
    pairs = {*zip(crop.labels.ravel().tolist(), example.labels.ravel().tolist(), strict=True)}
    assert len(pairs) == crop.labels.max() + 1


@pytest.mark.parametrize("shape", [(50, 60), (50, 300), (300, 200), (20, 20)])
def test_without_augmentation_an_image_goes_on_as_it_does_for_a_segmenter(shape):
    example = scattered(6, shape)
    height, width = shape
    y, x = max(height - 96, 0) // 2, max(width - 96, 0) // 2
    middle = example.image[y : y + 96, x : x + 96]
    crop = crop_of(example, size=96, augmentation=None, seed=0)
    assert np.array_equal(crop.image, next(cut(middle, cover(middle.shape, edge=96))))


def test_mirror_images_of_a_particle_are_particles_of_their_own():
    example = example_of(discs((60, 60), (30, 40, 8)))
    crop = crop_of(example, size=120, augmentation=None, seed=0)
    assert crop.labels.max() == 4


def test_a_particle_in_several_pieces_is_several_particles():
    labels = discs((60, 60), (30, 30, 20))
    labels[:, 29:31] = 0
    crop = crop_of(example_of(labels), size=60, augmentation=None, seed=0)
    assert crop.labels.max() == 2


def test_what_the_edge_leaves_of_a_particle_is_no_particle_but_a_small_one_is():
    labels = np.zeros((60, 60), np.int32)
    labels[10:12, 5:15] = 1  # the crop's edge leaves 2 pixels of it
    labels[30, 14] = 2
    labels[50, 14:17] = 3
    crop = crop_of(example_of(labels), size=32, augmentation=None, seed=0)
    assert crop.labels.max() == 1
    assert crop.labels[16, 0] == 1


def test_where_touching_particles_share_a_label_foreground_falls_into_components():
    labels = discs((60, 60), (30, 20, 12), (30, 40, 12))
    touching = labels.copy()
    touching[28:32, 20:40] = 1
    assert crop_of(example_of(touching), size=60, augmentation=None, seed=0).labels.max() == 2
    assert crop_of(example_of(touching, parted=False), size=60, augmentation=None, seed=0).labels.max() == 1


def test_most_crops_show_something_and_some_do_not():
    example = example_of(discs((800, 800), (100, 700, 6), (420, 130, 6)))
    shows = [crop_of(example, size=64, augmentation=Augmentation(), seed=s).labels.any() for s in range(100)]
    assert 75 <= sum(shows) < 100


def test_an_image_with_nothing_in_it_can_be_learnt_from():
    rng = np.random.default_rng(0)
    empty = example_of(np.zeros((100, 100), np.int32))
    for seed in range(10):
        crop = crop_of(empty, size=64, augmentation=WIDE, seed=int(rng.integers(99)) + seed)
        assert np.isfinite(crop.image).all()
        assert not crop.labels.any()
        assert not crop.distance.any()


def test_a_crop_spans_about_what_its_frame_does():
    image = scattered(7, (400, 400), count=90)
    for seed in range(20):
        crop = crop_of(image, size=128, augmentation=Augmentation(), seed=seed)
        low, high = np.quantile(crop.image, [0.005, 0.995])
        assert low < 0.35
        assert high > 0.65


def test_a_patch_without_particles_is_not_stretched_to_the_whole_range():
    labels = discs((400, 400), *[(y, x, 18) for y in range(30, 400, 60) for x in range(30, 200, 60)])
    example = example_of(labels)
    plain = GEOMETRY_ONLY.model_copy(update={"scale": (1.0, 1.0), "gradient": 0.05})
    crops = [crop_of(example, size=48, augmentation=plain, seed=s) for s in range(60)]
    empty = [crop for crop in crops if not crop.labels.any()]
    assert empty
    assert all(crop.image.min() > 0.7 for crop in empty)
