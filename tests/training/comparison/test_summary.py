import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graticule.training.comparison.entrants import Entrant
from graticule.training.comparison.measure import Measured
from graticule.training.comparison.scores import ImageScores, scores_of
from graticule.training.comparison.summary import rows_of_all, rows_of_set

TOUCHING = np.array([[1, 1, 2, 2], [1, 1, 2, 2]])
JOINED = np.array([[1, 1, 1, 1], [1, 1, 1, 1]])


def images(values, *, seconds=0.5, metric="iou"):
    return tuple(
        ImageScores(place=place, metrics={metric: float(value)}, seconds=seconds, pixels=100)
        for place, value in enumerate(values)
    )


def measured(name, *sets):
    return Measured(entrant=Entrant(name=name, network=name), scores=sets)


def test_joined_particles_cost_instances_and_no_pixels():
    scores = scores_of(JOINED, TOUCHING, parted=True)
    assert (scores["iou"], scores["ap50"], scores["count_error"]) == (1.0, 0.0, 1.0)


def test_instances_are_not_judged_where_the_truth_does_not_part():
    assert set(scores_of(TOUCHING, JOINED, parted=False)) == {"iou", "dice", "boundary_f1"}


def test_a_difference_is_taken_image_by_image():
    base, better = measured("threshold", images([0.2, 0.9])), measured("net", images([0.3, 1.0]))
    found = rows_of_set([base, better], 0)[1].differences["iou"]
    # images differ by 0.7 from each other, the entrants by 0.1 on each: nothing is unsure
    assert (found.value, found.low, found.high) == pytest.approx((0.1, 0.1, 0.1))


def test_the_threshold_has_no_difference_to_itself():
    assert rows_of_set([measured("threshold", images([0.5]))], 0)[0].differences == {}


@settings(deadline=None, max_examples=25)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_a_mean_lies_in_its_interval(values):
    mean = rows_of_set([measured("threshold", images(values))], 0)[0].means["iou"]
    assert min(values) - 1e-9 <= mean.low <= mean.value + 1e-9
    assert mean.value - 1e-9 <= mean.high <= max(values) + 1e-9


def test_data_sets_count_the_same_however_many_images_they_have():
    row = rows_of_all([measured("threshold", images([0.0] * 9), images([1.0]))])[0]
    assert row.means["iou"].value == pytest.approx(0.5)


def test_a_metric_is_the_mean_over_the_sets_that_have_it():
    row = rows_of_all([measured("threshold", images([0.4]), images([0.8], metric="ap50"))])[0]
    assert (row.means["iou"].value, row.means["ap50"].value) == pytest.approx((0.4, 0.8))


def test_speed_is_the_median_over_images():
    row = rows_of_set([measured("threshold", images([1, 1], seconds=0.25))], 0)[0]
    assert (row.speed.images_per_s, row.speed.pixels_per_s) == (4.0, 400.0)


def test_trouble_stands_in_place_of_figures():
    broken = Measured(entrant=Entrant(name="net", network="net"), trouble="no such file")
    for rows in (rows_of_set([measured("threshold", images([1])), broken], 0), rows_of_all([broken])):
        assert rows[-1].trouble == "no such file"
        assert rows[-1].means == {}
