import pytest

from graticule.core.errors import InputError
from graticule.evaluation.intervals import bootstrap_interval


def test_the_interval_holds_the_mean_and_repeats():
    values = [0.8, 0.82, 0.9, 0.7, 0.85]
    low, high = bootstrap_interval(values)
    assert low < sum(values) / 5 < high
    assert bootstrap_interval(values) == (low, high)


def test_more_images_make_it_narrower():
    few, many = bootstrap_interval([0.7, 0.9] * 3), bootstrap_interval([0.7, 0.9] * 30)
    assert many[1] - many[0] < few[1] - few[0]


def test_one_image_has_no_width():
    assert bootstrap_interval([0.5]) == (0.5, 0.5)


def test_no_images_are_refused():
    with pytest.raises(InputError, match="no images"):
        bootstrap_interval([])
