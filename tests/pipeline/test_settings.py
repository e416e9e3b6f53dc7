"""What a user chooses is checked where it comes in, and digested the same way every time."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from graticule import tracking
from graticule.core.errors import ConfigError
from graticule.models.registry import DEFAULT, DEFAULT_VARIABLE
from graticule.pipeline.settings import (
    IngestSettings,
    LinkSettings,
    SegmentSettings,
    TrackSettings,
    checked,
    digest,
)

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("kind", "values", "said"),
    [
        (IngestSettings, {"average": 0}, "--average 0: "),
        (IngestSettings, {"pixel_size_nm": -1.0}, "--pixel-size-nm -1.0: "),
        (IngestSettings, {"frame_interval_s": float("inf")}, "--frame-interval-s inf: "),
        (IngestSettings, {"pixel_size_nm": float("nan")}, "--pixel-size-nm nan: "),
        (SegmentSettings, {"tile": 7}, "--tile 7: "),
        (SegmentSettings, {"polarity": "grey"}, "--polarity 'grey': "),
        (SegmentSettings, {"min_diameter_px": -2}, "--min-diameter-px -2: "),
        (LinkSettings, {"trakker": "overlap"}, "--trakker 'overlap': "),
    ],
)
def test_an_impossible_value_is_named_as_the_option_it_came_from(kind, values, said):
    with pytest.raises(ConfigError) as caught:
        checked(kind, values)
    assert str(caught.value).startswith(said)
    assert "\n" not in str(caught.value)


def test_the_smallest_diameter_is_given_once():
    with pytest.raises(ConfigError, match="in px or in nm, not both"):
        checked(SegmentSettings, {"min_diameter_px": 3, "min_diameter_nm": 1})


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"polarity": "dark", "options": {"polarity": "bright"}}, "polarity"),
        ({"min_diameter_px": 3, "options": {"min_diameter_px": 5}}, "min_diameter_px"),
        ({"min_diameter_nm": 0, "options": {"min_diameter_px": 5}}, "min_diameter_px"),
    ],
)
def test_what_has_an_option_of_its_own_is_not_given_twice(values, name):
    with pytest.raises(ConfigError, match=f"{name} is given twice, by --option {name} = .*; leave one out"):
        checked(SegmentSettings, values)


def test_several_mistakes_are_told_together():
    with pytest.raises(ConfigError, match=r"--average.*; --pixel-size-nm"):
        checked(IngestSettings, {"average": 0, "pixel_size_nm": 0})


def test_the_environment_may_set_another_default(monkeypatch):
    monkeypatch.setenv(DEFAULT_VARIABLE, "swin-unet")
    assert SegmentSettings().segmenter == TrackSettings().segment.segmenter == "swin-unet"
    monkeypatch.setenv(DEFAULT_VARIABLE, "")
    assert SegmentSettings().segmenter == TrackSettings().segment.segmenter == DEFAULT
    monkeypatch.setenv(tracking.DEFAULT_VARIABLE, "trackpy")
    assert LinkSettings().tracker == TrackSettings().link.tracker == "trackpy"
    monkeypatch.setenv(tracking.DEFAULT_VARIABLE, "")
    assert LinkSettings().tracker == TrackSettings().link.tracker == tracking.DEFAULT


def test_settings_cannot_be_changed_afterwards():
    with pytest.raises(ValueError, match="frozen"):
        IngestSettings().average = 2


@given(parts=st.dictionaries(st.text(), plain, max_size=5))
def test_a_digest_does_not_depend_on_the_order_of_names(parts):
    assert digest(parts) == digest(dict(reversed(parts.items())))


@given(parts=st.dictionaries(st.text(), plain, max_size=5), name=st.text(), value=plain)
def test_one_more_setting_changes_the_digest(parts, name, value):
    assume(name not in parts)
    assert digest({**parts, name: value}) != digest(parts)


def test_a_digest_can_name_a_folder():
    assert len(digest({"tile": 512})) == 16
    assert digest({"tile": 512}).isalnum()


def test_a_digest_stays_what_it_was():
    # Experiments on disk are found by it: changing it orphans all of them.
    assert digest("a", {"tile": None, "sigma": 1.5}) == "7967510522711386"
