import numpy as np
import pytest
import torch
from scipy.special import logit

from graticule.models.yolo.decode import detections


def said(*rows: tuple[float, ...]) -> torch.Tensor:
    """Draw predictions: a row is box (x0, y0, x1, y1) and a score per class."""
    columns = [[*row[:4], *logit(row[4:]), *[float(i)] * 32] for i, row in enumerate(rows)]
    return torch.tensor(columns, dtype=torch.float32).T


def test_what_is_less_sure_than_asked_is_left_out_and_the_likeliest_comes_first():
    found = detections(
        said((0, 0, 9, 9, 0.3), (20, 0, 29, 9, 0.9), (40, 0, 49, 9, 0.2)), confidence=0.25, overlap=0.7
    )
    np.testing.assert_allclose(found.scores, [0.9, 0.3], rtol=1e-5)
    assert found.coefficients[:, 0].tolist() == [1, 0]


def test_of_two_boxes_on_one_particle_the_likelier_is_kept():
    found = detections(
        said((0, 0, 10, 10, 0.6), (1, 0, 11, 10, 0.8), (30, 0, 40, 10, 0.5)), confidence=0.25, overlap=0.7
    )
    assert found.boxes.tolist() == [[1, 0, 11, 10], [30, 0, 40, 10]]


def test_the_likeliest_class_counts_and_classes_do_not_excuse_doubles():
    found = detections(said((0, 0, 10, 10, 0.1, 0.9), (0, 0, 10, 10, 0.8, 0.1)), confidence=0.25, overlap=0.7)
    np.testing.assert_allclose(found.scores, [0.9], rtol=1e-5)


def test_nothing_sure_is_no_detection():
    found = detections(said((0, 0, 9, 9, 0.1)), confidence=0.25, overlap=0.7)
    assert len(found) == 0
    assert found.boxes.shape == (0, 4)


@pytest.mark.parametrize("confidence", [0.01, 0.25, 0.5, 0.99])
def test_scores_are_probabilities_above_the_confidence(confidence):
    generator = torch.Generator().manual_seed(3)
    found = detections(5 * torch.randn(37, 500, generator=generator), confidence=confidence, overlap=1.0)
    assert len(found) > 0
    assert (found.scores >= np.float32(confidence)).all()
    assert (np.diff(found.scores) <= 0).all()
