import numpy as np

from graticule.report.comparison import Curve
from graticule.report.comparison.curves import loss_figure, score_figure
from graticule.report.comparison.masks import HIT, MISSED, TOO_MUCH, errors, masks_figure

from .drawn import panel

OURS = Curve(name="ours", epochs=[1, 2], series={"loss": [1.0, 0.5], "iou": [0.5, 0.6]})
PAPER = Curve(name="theirs", epochs=[1, 2], series={"loss": [1.0, 0.5], "test loss": [1.1, 0.7]})


def test_right_missed_and_too_much_have_colours_of_their_own():
    truth, found = np.array([[1, 1, 0, 0]]), np.array([[0, 3, 3, 0]])
    assert [tuple(pixel) for pixel in errors(found, truth)[0, :3]] == [MISSED, HIT, TOO_MUCH]


def test_parted_particles_can_be_told_from_joined_ones():
    truth = np.array([[1, 1, 2, 2]])
    parted, joined = errors(truth, truth), errors(np.ones_like(truth), truth)
    assert (parted[0, 1] != joined[0, 1]).any()


def test_ours_and_the_papers_curves_stand_side_by_side():
    assert len(loss_figure([OURS], [PAPER]).axes) == 2
    assert len(loss_figure([OURS], [PAPER]).axes[1].lines) == 2
    assert len(score_figure([OURS], [PAPER]).axes) == 4


def test_without_any_curve_there_is_no_figure():
    assert loss_figure([], []) is None


def test_every_entrant_has_its_picture():
    figure = masks_figure([panel(), panel()])
    assert len([axis for axis in figure.axes if axis.get_title()]) == 6
