"""Lengths and times: what is a calibration and what is not."""

import pytest

from graticule.io.scale import Scale, calibrate, in_nanometers, in_seconds


@pytest.mark.parametrize(
    ("value", "unit", "nm"),
    [
        (2.0, "nm", 2), (0.07, "um", 70), (0.07, "µm", 70), (0.07, "μm", 70), (0.07, "\\u00B5m", 70),
        (1.5, "Å", 0.15), (1.5, "angstrom", 0.15), (3.0, "pm", 0.003), (2e-10, "m", 0.2),
        (4.0, "nanometers", 4), (1.0, "microns", 1000), (2.0, "mm", 2e6),
    ],
)  # fmt: skip
def test_lengths_become_nanometers(value, unit, nm):
    assert in_nanometers(value, unit) == nm


@pytest.mark.parametrize("unit", ["", "px", "1/nm", "s", "ms", "mrad", "counts"])
def test_what_is_no_length_is_none(unit):
    assert in_nanometers(1.0, unit) is None


@pytest.mark.parametrize(
    ("value", "unit", "seconds"),
    [(2.0, "s", 2), (40.0, "ms", 0.04), (2.0, "min", 120), (3.0, "seconds", 3), (5.0, "µs", 5e-6)],
)
def test_times_become_seconds(value, unit, seconds):
    assert in_seconds(value, unit) == seconds


def test_a_length_that_is_known_needs_no_line():
    axis = Scale(value=0.5, unit="nm")
    calibration, notes = calibrate(axis, axis, Scale(value=0.1, unit="s"))
    assert (calibration.pixel_size_nm, calibration.frame_interval_s, notes) == (0.5, 0.1, ())


@pytest.mark.parametrize(
    ("y", "x", "why"),
    [
        (Scale(value=1.0, unit="1/nm"), Scale(value=1.0, unit="1/nm"), "1/nm"),
        (Scale(value=-1.0, unit="nm"), Scale(value=-1.0, unit="nm"), "-1 nm"),
        (Scale(value=0.0, unit="nm"), Scale(value=0.0, unit="nm"), "0 nm"),
        (Scale(value=float("nan"), unit="nm"), Scale(value=1.0, unit="nm"), "nan"),
        (Scale(value=1.0), Scale(value=1.0), "without a unit"),
        (Scale(value=1.0, unit="pixel"), Scale(value=1.0, unit="pixel"), "without a unit"),
        (Scale(value=1.0, unit="eV"), Scale(value=1.0, unit="eV"), "no unit of length"),
        (Scale(value=1.6867, unit="µm"), Scale(value=0.16867, unit="µm"), "differ"),
        (Scale(value=5.0, unit="mrad"), Scale(value=5.0, unit="mrad"), "mrad"),
    ],
)
def test_what_cannot_be_trusted_is_unknown_with_one_line(y, x, why):
    calibration, notes = calibrate(y, x)
    assert calibration.pixel_size_nm is None
    assert len(notes) == 1
    assert why in notes[0]
    assert "--pixel-size-nm" in notes[0]


def test_equal_lengths_in_different_units_are_equal():
    calibration, _ = calibrate(Scale(value=0.001, unit="µm"), Scale(value=1.0, unit="nm"))
    assert calibration.pixel_size_nm == 1


def test_what_a_file_does_not_say_needs_no_line():
    assert calibrate(None, None)[1] == ()
    assert calibrate(Scale(), Scale(), Scale(value=1.0))[1] == ()
