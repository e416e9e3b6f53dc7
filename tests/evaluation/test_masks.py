import numpy as np
import pytest

from graticule.core.errors import InputError
from graticule.evaluation.masks import boundary_f1, dice, iou, outline


def mask(drawing):
    return np.array([[c != "." for c in row] for row in drawing.split()])


NONE = mask(".... ....")
HALF = mask("##.. ##..")
SHIFTED = mask(".##. .##.")


def test_iou_is_the_shared_over_the_joint_area():
    assert iou(HALF, SHIFTED) == pytest.approx(2 / 6)


def test_dice_is_twice_the_shared_over_the_summed_areas():
    assert dice(HALF, SHIFTED) == pytest.approx(4 / 8)


@pytest.mark.parametrize("score", [iou, dice, boundary_f1])
def test_two_empty_masks_agree_fully(score):
    assert score(NONE, NONE) == 1.0


@pytest.mark.parametrize("score", [iou, dice, boundary_f1])
def test_empty_against_something_is_zero(score):
    assert score(NONE, HALF) == score(HALF, NONE) == 0.0


@pytest.mark.parametrize("score", [iou, dice, boundary_f1])
def test_a_mask_agrees_fully_with_itself(score):
    assert score(SHIFTED, SHIFTED) == 1.0


def test_the_frames_edge_is_no_outline():
    assert outline(HALF).tolist() == mask(".#.. .#..").tolist()


@pytest.mark.parametrize(("tolerance", "expected"), [(2.0, 1.0), (1.0, 0.0)])
def test_outlines_match_within_the_tolerance(tolerance, expected):
    near, far = mask("#..... #....."), mask("###... ###...")
    assert boundary_f1(near, far, tolerance_px=tolerance) == expected


def test_masks_of_different_sizes_are_refused():
    with pytest.raises(InputError, match=r"\(2, 4\) and \(2, 2\)"):
        iou(HALF, HALF[:, :2])
