import numpy as np
import pytest

from benchmarks.bench_margins import briefly_trained, synthetic_image
from graticule.models.learned.fitting import MARGIN_PX
from graticule.models.yolo import YoloSeg
from graticule.models.yolo.agreement import answer_inside, disagreement
from graticule.models.yolo.framing import context_px
from graticule.tiling import BAND

WRITE = (slice(192, 320), slice(192, 320))
USUAL = MARGIN_PX + BAND + 1 + context_px(margin=MARGIN_PX)


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    return synthetic_image(512)


@pytest.fixture(scope="module")
def settled() -> YoloSeg:
    """Return weights that have learnt a little: with random ones the deepest layers drown the others."""
    return briefly_trained(20)


@pytest.fixture(scope="module")
def errors(settled, image) -> dict[int, dict[str, float]]:
    return disagreement(settled, image, WRITE, margins=[0, USUAL, 160])


def test_a_window_agrees_the_better_with_the_untiled_frame_the_more_it_reads(errors):
    for part in ("boxes", "classes", "coefficients", "prototypes"):
        ordered = [error[part] for _, error in sorted(errors.items())]
        assert ordered == sorted(ordered, reverse=True), part


def test_at_the_usual_margin_they_agree_to_a_hundredth(errors):
    assert max(errors[USUAL].values()) < 0.01


def test_a_window_that_reads_the_whole_frame_agrees_exactly(network, image):
    assert set(disagreement(network, image, WRITE, margins=[512])[512].values()) == {0.0}


def test_the_answer_inside_a_box_has_its_cells_only(network, image):
    inside = answer_inside(network, image, (slice(0, 64), slice(32, 64)))
    assert inside["boxes"].shape == (4, 8 * 4 + 4 * 2 + 2 * 1)
    assert inside["prototypes"].shape == (32, 16 * 8)
