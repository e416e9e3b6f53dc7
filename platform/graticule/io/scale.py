"""Lengths and times as files state them -> nm and s, or unknown with the reason.

Only positive lengths in real space count. Instruments write 1 without a unit, reciprocal
units and negative scales where they mean "not calibrated".
"""

import re
from dataclasses import dataclass
from math import isclose, isfinite

from graticule.core.calibration import Calibration

PIXEL_UNKNOWN = "pixel size unknown"
INTERVAL_UNKNOWN = "frame interval unknown"
EQUAL_WITHIN = 1e-3
"""Relative difference of the x and y scales still taken as rounding."""

_NANOMETERS = {
    "pm": 1e-3, "picometer": 1e-3, "picometre": 1e-3,
    "Å": 0.1, "å": 0.1, "a": 0.1, "ang": 0.1, "angstrom": 0.1, "ångström": 0.1, "ångstrom": 0.1,
    "nm": 1.0, "nanometer": 1.0, "nanometre": 1.0,
    "um": 1e3, "micron": 1e3, "micrometer": 1e3, "micrometre": 1e3,
    "mm": 1e6, "millimeter": 1e6, "millimetre": 1e6,
    "cm": 1e7, "centimeter": 1e7, "centimetre": 1e7,
    "m": 1e9, "meter": 1e9, "metre": 1e9,
    "inch": 2.54e7, "in": 2.54e7,
}  # fmt: skip
_SECONDS = {
    "ns": 1e-9, "nanosecond": 1e-9,
    "us": 1e-6, "microsecond": 1e-6,
    "ms": 1e-3, "msec": 1e-3, "millisecond": 1e-3,
    "s": 1.0, "sec": 1.0, "second": 1.0,
    "min": 60.0, "minute": 60.0,
    "h": 3600.0, "hr": 3600.0, "hour": 3600.0,
    "d": 86400.0, "day": 86400.0,
}  # fmt: skip
_NO_UNIT = {"", "[]", "px", "pixel", "none", "<undefined>", "undefined", "unitless"}
_RECIPROCAL = re.compile(r"1\s*/|\^\s*\{?-1|⁻¹|\brad\b|mrad")


@dataclass(frozen=True, kw_only=True, slots=True)
class Scale:
    """A step along an axis as a file states it: a number and a unit, either may be missing."""

    value: float | None = None
    unit: str | None = None


def calibrate(
    y: Scale | None, x: Scale | None, t: Scale | None = None
) -> tuple[Calibration, tuple[str, ...]]:
    """Return the calibration that a file's scales allow, with a line for each refusal.

    A scale the file does not have at all is unknown without a line.
    """
    size, against = _pixel_size(y, x)
    interval, late = _interval(t)
    notes = [f"{PIXEL_UNKNOWN}: {against}; --pixel-size-nm sets it"] if against else []
    notes += [f"{INTERVAL_UNKNOWN}: {late}; --frame-interval-s sets it"] if late else []
    return Calibration(pixel_size_nm=size, frame_interval_s=interval), tuple(notes)


def in_nanometers(value: float, unit: str) -> float | None:
    """Return a length in nm, ``None`` if the unit is no length."""
    return _converted(value, unit, _NANOMETERS)


def in_seconds(value: float, unit: str) -> float | None:
    """Return a time in s, ``None`` if the unit is no time."""
    return _converted(value, unit, _SECONDS)


def _pixel_size(y: Scale | None, x: Scale | None) -> tuple[float | None, str | None]:
    if y is None or x is None:
        return None, None
    lengths = []
    for axis in (x, y):
        length, against = _length(axis)
        if length is None:
            return None, against
        lengths.append(length)
    if not isclose(*lengths, rel_tol=EQUAL_WITHIN):
        return None, f"x and y scales differ ({x.value:g} and {y.value:g} {x.unit})"
    return lengths[0], None


def _length(axis: Scale) -> tuple[float | None, str | None]:
    unit = (axis.unit or "").strip()
    if axis.value is None:
        return None, None
    if _RECIPROCAL.search(unit):
        return None, f"the scale is in {unit}, not a length in real space"
    if not isfinite(axis.value) or axis.value <= 0:
        return None, f"a scale of {axis.value:g} {unit}".rstrip() + " cannot be"
    if _plain(unit) in _NO_UNIT:
        return None, f"a scale of {axis.value:g} without a unit"
    length = in_nanometers(axis.value, unit)
    return length, None if length else f"{unit!r} is no unit of length"


def _interval(t: Scale | None) -> tuple[float | None, str | None]:
    if t is None or t.value is None or _plain(t.unit or "") in _NO_UNIT:
        return None, None
    if not isfinite(t.value) or t.value <= 0:
        return None, f"a time step of {t.value:g} {t.unit} cannot be"
    seconds = in_seconds(t.value, t.unit or "")
    return seconds, None if seconds else f"{t.unit!r} is no unit of time"


def _converted(value: float, unit: str, table: dict[str, float]) -> float | None:
    name = _plain(unit)
    factor = table.get(name) or (table.get(name.removesuffix("s")) if len(name) > 2 else None)
    if factor is None:
        return None
    # 0.07 um is 70 nm, not 70.00000000000001.
    return float(value) if factor == 1 else float(f"{float(value) * factor:.12g}")


def _plain(unit: str) -> str:
    unit = unit.strip().strip("[]").replace("\\u00B5", "u").replace("\\u00b5", "u")
    return unit.replace("µ", "u").replace("μ", "u").lower()
