import pytest

from graticule.core.errors import ConfigError
from graticule.report.comparison import Mean, Row, Speed
from graticule.training.comparison.champion import Rule, decide


def row(name, *, speed=1.0, trouble=None, **metrics):
    if trouble:
        return Row(name=name, trouble=trouble)
    means = {metric: Mean(value=value, low=value, high=value) for metric, value in metrics.items()}
    return Row(name=name, speed=Speed(images_per_s=float(speed), pixels_per_s=1.0), means=means)


PARTED = [
    row("threshold", iou=0.9, ap50=0.5),
    row("a", iou=0.7, ap50=0.8, speed=4),
    row("b", iou=0.6, ap50=0.6),
]
MASKS = [row("threshold", iou=0.9), row("a", iou=0.5), row("b", iou=0.6)]


def winner(rule, *sets, overall=PARTED):
    return decide(sets, overall, rule).name


def test_ap50_decides_where_instances_are_known():
    assert winner(Rule(), PARTED) == "a"


def test_iou_decides_where_they_are_not():
    assert winner(Rule(), MASKS) == "threshold"


def test_each_data_set_counts_the_same():
    # threshold 0.5 and 0.9, a 0.8 and 0.5, b 0.6 and 0.6
    assert winner(Rule(), PARTED, MASKS) == "threshold"


def test_the_slow_cannot_win():
    slow = [row("threshold", ap50=0.1, speed=9), row("a", ap50=0.9, speed=1)]
    assert winner(Rule(least_images_per_s=2.0), slow, overall=slow) == "threshold"
    assert winner(Rule(least_images_per_s=20.0), slow, overall=slow) is None


def test_a_tie_goes_to_the_faster():
    same = [row("threshold", ap50=0.5, speed=1), row("a", ap50=0.5, speed=2)]
    assert winner(Rule(), same, overall=same) == "a"


def test_fewer_miscounts_are_better():
    counted = [row("threshold", count_error=3.0), row("a", count_error=1.0)]
    assert winner(Rule(metric="count_error"), counted, overall=counted) == "a"


def test_an_entrant_without_figures_cannot_win():
    broken = [row("threshold", ap50=0.5), row("a", trouble="no such file")]
    assert winner(Rule(), broken, overall=broken) == "threshold"


def test_it_is_said_that_the_threshold_has_no_weights():
    assert "no weights" in decide([MASKS], MASKS, Rule()).text


def test_a_metric_that_no_data_set_has_is_refused():
    with pytest.raises(ConfigError, match="take iou"):
        winner(Rule(metric="ap50"), MASKS)


def test_unknown_metrics_and_speeds_are_refused():
    with pytest.raises(ConfigError, match="known: auto, iou"):
        Rule(metric="accuracy")
    with pytest.raises(ConfigError, match="above 0"):
        Rule(least_images_per_s=0.0)
