import pytest
from hypothesis import given
from hypothesis import strategies as st

from graticule.core.errors import InputError
from graticule.training.sources.pairs import pair


def paired(images, labels):
    return pair(images, labels, where="here")


def test_equal_stems_are_paired_whatever_their_endings_and_case():
    found = paired(["a.tif", "B.PNG"], ["b.png", "A.png"])
    assert found.pairs == (("a.tif", "A.png"), ("B.PNG", "b.png"))


def test_equal_trailing_numbers_are_paired_whatever_their_zeros():
    found = paired(["image_3.png", "image_10.png"], ["label_010.png", "label_003.png"])
    assert found.pairs == (("image_3.png", "label_003.png"), ("image_10.png", "label_010.png"))


def test_images_without_labels_are_listed():
    found = paired([f"frame_{k:03}.png" for k in range(1, 4)], ["mask_002.png"])
    assert found.unlabelled == ("frame_001.png", "frame_003.png")


def test_a_stem_goes_before_a_number():
    assert paired(["a_1.png", "b_1.png"], ["b_1.png"]).pairs == (("b_1.png", "b_1.png"),)


def test_labels_that_fit_two_images_are_refused_and_both_are_named():
    with pytest.raises(InputError, match=r"label_1\.png fit image a_1\.png and b_1\.png"):
        paired(["a_1.png", "b_1.png"], ["label_1.png"])


def test_an_image_paired_by_stem_is_still_a_candidate_by_number():
    with pytest.raises(InputError, match=r"c_1\.png fit image a_1\.png and b_1\.png"):
        paired(["a_1.png", "b_1.png"], ["b_1.png", "c_1.png"])


def test_an_image_with_two_labels_is_refused_and_both_are_named():
    with pytest.raises(InputError, match=r"image a_1\.png has labels a_1\.png and mask_1\.png"):
        paired(["a_1.png"], ["a_1.png", "mask_1.png"])


def test_one_stem_twice_is_refused():
    with pytest.raises(InputError, match=r"a\.png fit image a\.png and a\.tif"):
        paired(["a.png", "a.tif"], ["a.png"])


def test_labels_without_an_image_are_refused_and_the_first_is_named():
    with pytest.raises(InputError, match=r"no image belongs to labels label_7\.png .* named as image_1\.png"):
        paired(["image_1.png", "image_2.png"], ["label_1.png", "label_8.png", "label_7.png"])


def test_a_number_that_is_not_at_the_end_pairs_nothing():
    with pytest.raises(InputError, match="no image belongs to labels 3_mask"):
        paired(["3_image.png"], ["3_mask.png"])


@given(st.sets(st.integers(0, 999), min_size=1), st.data())
def test_numbers_pair_each_label_with_its_image_in_any_order(numbers, data):
    labelled = data.draw(st.sets(st.sampled_from(sorted(numbers))))
    images = data.draw(st.permutations([f"image_{n}.png" for n in numbers]))
    labels = data.draw(st.permutations([f"label_{n:04}.tif" for n in labelled]))
    found = paired(images, labels)
    assert found.pairs == tuple((f"image_{n}.png", f"label_{n:04}.tif") for n in sorted(labelled))
    assert len(found.unlabelled) == len(numbers) - len(labelled)
