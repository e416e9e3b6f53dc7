import numpy as np
import pytest

from graticule.core.errors import ConfigError, InputError
from models.efficient_sam_automatic.oracle import discs, sam

PLACES = (60, 60, 14), (60, 150, 9), (170, 70, 20)


def test_points_and_boxes_are_answered_in_order_with_a_mask_of_the_image():
    image, truth = discs((220, 180), *PLACES)
    found = sam().prompted(image, points=[(170, 70), (58, 150)], boxes=[(46, 46, 74, 74)])
    assert len(found) == 3
    for answer, k in zip(found, (3, 2, 1), strict=True):
        both, either = (answer.mask & (truth == k)).sum(), (answer.mask | (truth == k)).sum()
        assert both / either > 0.93
        assert answer.score == pytest.approx(0.95)


def test_an_embedding_can_be_asked_again():
    image, _ = discs((220, 180), *PLACES)
    segmenter = sam()
    kept = segmenter.embedding(image)
    [first], [again] = segmenter.at(kept, points=[(60, 60)]), segmenter.at(kept, points=[(60, 60)])
    assert np.array_equal(first.mask, again.mask)
    assert segmenter.at(kept) == []


@pytest.mark.parametrize(("prompts", "words"), [
    ({"points": [(10, 400)]}, "lies outside of the image of 220 x 180"),
    ({"points": [(float("nan"), 4)]}, "lies outside"),
    ({"boxes": [(50, 50, 40, 60)]}, "inside out"),
])  # fmt: skip
def test_prompts_that_cannot_be_are_refused(prompts, words):
    with pytest.raises(ConfigError, match=words):
        sam().prompted(discs((220, 180), *PLACES)[0], **prompts)


def test_an_image_that_shows_nothing_is_refused():
    with pytest.raises(InputError, match="same value everywhere"):
        sam().embedding(np.zeros((30, 30), np.uint8))
    with pytest.raises(InputError, match="NaN"):
        sam().embedding(np.full((30, 30), np.nan, np.float32))
