from dataclasses import replace

import pytest

from graticule.core.errors import ConfigError, UnknownNameError
from graticule.synthetic import PRESETS, simulate
from graticule.synthetic.presets import find_preset

TABLE = {
    "easy": (60, 14, 300, 60, 0.4, 0.1, 0.1),
    "medium": (90, 10, 50, 75, 0.6, 0.6, 0.35),
    "hard": (140, 7, 15, 90, 1.3, 1.5, 0.6),
}


def test_the_presets_are_those_of_the_design():
    numbers = {
        name: (p.particles, p.radius_px, p.dose, p.contrast_length_px, p.step_px, p.drift_px, p.gradient)
        for name, p in PRESETS.items()
    }
    assert numbers == TABLE
    assert {p.size_sigma for p in PRESETS.values()} == {0.25}


def test_an_unknown_preset_lists_the_known():
    with pytest.raises(UnknownNameError, match="unknown preset 'hrad'; known: easy, hard, medium"):
        find_preset("hrad")


@pytest.mark.parametrize(
    "change",
    [{"dose": 0.0}, {"drift_px": -1.0}, {"gradient": 2.0}, {"radius_px": float("nan")}, {"dose": 1e5}],
)
def test_an_impossible_preset_is_refused_with_its_value(change):
    name, value = next(iter(change.items()))
    with pytest.raises(ConfigError, match=f"{name}.*{value}"):
        replace(PRESETS["easy"], **change)


@pytest.mark.parametrize(
    "change", [{"frames": 0}, {"size": 16}, {"size": (64, 8)}, {"seed": -1}], ids=lambda c: str(c)
)
def test_an_impossible_movie_is_refused(change):
    with pytest.raises(ConfigError, match="got"):
        simulate("easy", **({"frames": 2, "size": 64, "seed": 0} | change))
