import numpy as np
import pytest

from graticule import models
from graticule.core.errors import ConfigError, UnknownNameError

RESOLVED = {"sigma_px": 1, "background_px": None, "polarity": "dark", "min_diameter_px": 3, "margin_px": 64}


def test_a_segmenter_is_made_by_name():
    assert models.create("threshold", **RESOLVED).name == "threshold"


def test_every_name_in_the_table_can_be_adapted_and_made():
    frame = np.random.default_rng(0).poisson(50, (64, 64)).astype(np.uint16)
    for name in models.SEGMENTERS:
        assert models.create(name, **models.adapt(name, {}, [frame])).name == name


def test_an_unknown_segmenter_lists_the_known():
    with pytest.raises(UnknownNameError, match=r"unknown segmenter 'otsu'; known: .*threshold"):
        models.create("otsu")


def test_an_unknown_option_lists_the_known():
    with pytest.raises(ConfigError, match=r"no option 'sigma'; known: .*sigma_px"):
        models.create("threshold", sigma=3)


def test_an_impossible_value_is_named():
    with pytest.raises(ConfigError, match="sigma_px = -1 cannot be"):
        models.create("threshold", **{**RESOLVED, "sigma_px": -1})


def test_an_option_left_open_is_refused():
    with pytest.raises(ConfigError, match="polarity is still 'auto'"):
        models.create("threshold", **{**RESOLVED, "polarity": "auto"})
