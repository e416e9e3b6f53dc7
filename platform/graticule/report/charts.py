"""Charts as small SVG drawings that follow the page's colours and answer the pointer.

Series are drawn with at most 1,000 points (runs of frames are averaged); what is drawn is
also handed to the page's script as JSON, for the read-out under the pointer.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from jaxtyping import Float

from graticule.analysis.sizes import SizeDistribution, nice_step

_WIDTH, _HEIGHT = 580, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 14, 14, 44
_MOST_POINTS = 1000


@dataclass(frozen=True, kw_only=True, eq=False)
class Series:
    """One line; ``low`` … ``high`` is its band of uncertainty, ``step`` holds values flat."""

    name: str
    y: Float[np.ndarray, " n"]
    low: Float[np.ndarray, " n"] | None = None
    high: Float[np.ndarray, " n"] | None = None
    step: bool = False


def line_chart(
    x: Float[np.ndarray, " n"],
    series: Sequence[Series],
    *,
    x_label: str,
    y_label: str,
    from_zero: bool = False,
) -> str:
    """Return lines over a common x as an SVG element."""
    thin = _thinned(x, series)
    x = thin[0]
    drawn = thin[1]
    frame = _Frame.around(
        x, [v for s in drawn for v in (s.y, s.low, s.high) if v is not None], from_zero=from_zero
    )
    body = [_band(frame, x, s, n) for n, s in enumerate(drawn, 1)] + [
        _line(frame, x, s, n) for n, s in enumerate(drawn, 1)
    ]
    data = {"x": _plain(x), "label": x_label, "series": [{"name": s.name, "y": _plain(s.y)} for s in drawn]}
    return _svg(frame, body, x_label, y_label, [s.name for s in drawn], json.dumps(data))


def histogram_chart(sizes: SizeDistribution, names: Sequence[str], *, x_label: str, y_label: str) -> str:
    """Return the distributions of several periods as outlined steps, early to late."""
    edges = sizes.edges
    frame = _Frame.around(edges, [sizes.density.ravel()], from_zero=True)
    body = []
    for number, density in enumerate(sizes.density, 1):
        x, y = np.repeat(edges, 2), np.concatenate([[0.0], np.repeat(density, 2), [0.0]])
        body.append(f'<path class="line p{number}" d="{_path(frame, x, y)}"/>')
    centres = (edges[1:] + edges[:-1]) / 2
    series = [{"name": n, "y": _plain(d)} for n, d in zip(names, sizes.density, strict=True)]
    data = {"x": _plain(centres), "label": x_label, "series": series, "scale": "p"}
    return _svg(frame, body, x_label, y_label, names, json.dumps(data), scale="p")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Frame:
    """Where data lie on the drawing."""

    x: tuple[float, float]
    y: tuple[float, float]

    @classmethod
    def around(cls, x: np.ndarray, ys: Sequence[np.ndarray], *, from_zero: bool) -> "_Frame":
        values = np.concatenate([np.ravel(y) for y in ys]) if ys else np.zeros(1)
        values = values[np.isfinite(values)]
        low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
        room = 0.06 * (high - low) or 0.06 * abs(high) or 0.5
        bottom = min(low, 0.0) if from_zero else low - room
        left, right = (float(np.min(x)), float(np.max(x))) if len(x) else (0.0, 1.0)
        return cls(x=(left, right) if right > left else (left - 0.5, left + 0.5), y=(bottom, high + room))

    def across(self, x: np.ndarray) -> np.ndarray:
        low, high = self.x
        return np.asarray(_LEFT + (np.asarray(x) - low) / (high - low) * (_WIDTH - _LEFT - _RIGHT))

    def up(self, y: np.ndarray) -> np.ndarray:
        low, high = self.y
        return np.asarray(
            _HEIGHT - _BOTTOM - (np.asarray(y) - low) / (high - low) * (_HEIGHT - _TOP - _BOTTOM)
        )


def _thinned(x: np.ndarray, series: Sequence[Series]) -> tuple[np.ndarray, list[Series]]:
    length = -(-len(x) // _MOST_POINTS)

    def of(values: np.ndarray) -> np.ndarray:
        if length <= 1:
            return values
        padded = np.pad(np.asarray(values, float), (0, -len(values) % length), constant_values=np.nan)
        blocks = padded.reshape(-1, length)
        known = np.isfinite(blocks)
        total = np.where(known, blocks, 0).sum(axis=1)
        mean: np.ndarray = np.divide(
            total, known.sum(axis=1), out=np.full(len(blocks), np.nan), where=known.any(axis=1)
        )
        return mean

    def band(values: np.ndarray | None) -> np.ndarray | None:
        return None if values is None else of(values)

    lines = [Series(name=s.name, y=of(s.y), low=band(s.low), high=band(s.high), step=s.step) for s in series]
    return of(x), lines


def _path(frame: _Frame, x: np.ndarray, y: np.ndarray) -> str:
    """Return SVG path data; a value that is not finite breaks the line."""
    points = np.stack([frame.across(x), frame.up(y)], axis=1)
    good = np.isfinite(points).all(axis=1)
    fresh = good & ~np.concatenate([[False], good[:-1]])
    # A lone point would be invisible: "h.01" gives it the round cap of the line.
    text = [
        f"{'M' if new else 'L'}{a:.1f} {b:.1f}" for (a, b), new in zip(points[good], fresh[good], strict=True)
    ]
    return "".join(text) + ("h.01" if text else "")


def _line(frame: _Frame, x: np.ndarray, series: Series, number: int) -> str:
    y = series.y
    if series.step and len(x):
        x, y = np.repeat(x, 2)[1:], np.repeat(y, 2)[:-1]
    return f'<path class="line s{number}" d="{_path(frame, x, y)}"/>'


def _band(frame: _Frame, x: np.ndarray, series: Series, number: int) -> str:
    if series.low is None or series.high is None:
        return ""
    good = np.isfinite(series.low) & np.isfinite(series.high)
    there, back = np.flatnonzero(good), np.flatnonzero(good)[::-1]
    x = np.concatenate([x[there], x[back]])
    y = np.concatenate([series.low[there], series.high[back]])
    return f'<path class="band s{number}" d="{_path(frame, x, y)}Z"/>' if len(x) > 2 else ""


def _ticks(low: float, high: float, most: int) -> list[float]:
    step = nice_step((high - low) / most * 2)
    while (high - low) / step > most:
        step = nice_step(step * 2.51)
    first, last = int(np.ceil(low / step - 1e-9)), int(np.floor(high / step + 1e-9))
    return [n * step for n in range(first, last + 1)]


def _axes(frame: _Frame, x_label: str, y_label: str) -> str:
    bottom = _HEIGHT - _BOTTOM
    parts = []
    for value in _ticks(*frame.y, most=6):
        y = float(frame.up(np.array(value)))
        parts.append(f'<path class="grid" d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}"/>')
        parts.append(
            f'<text class="tick" x="{_LEFT - 7}" y="{y + 4:.1f}" text-anchor="end">{value:.6g}</text>'
        )
    for value in _ticks(*frame.x, most=8):
        x = float(frame.across(np.array(value)))
        parts.append(f'<path class="axis" d="M{x:.1f} {bottom}v4"/>')
        parts.append(
            f'<text class="tick" x="{x:.1f}" y="{bottom + 17}" text-anchor="middle">{value:.6g}</text>'
        )
    parts.append(f'<path class="axis" d="M{_LEFT} {bottom}H{_WIDTH - _RIGHT}"/>')
    parts.append(_label(f"translate({(_LEFT + _WIDTH) / 2} {_HEIGHT - 8})", x_label))
    parts.append(_label(f"translate(15 {(_TOP + bottom) / 2}) rotate(-90)", y_label))
    return "".join(parts)


def _label(transform: str, text: str) -> str:
    return f'<text class="label" transform="{transform}" text-anchor="middle">{escape(text)}</text>'


def _svg(
    frame: _Frame,
    body: Sequence[str],
    x_label: str,
    y_label: str,
    names: Sequence[str],
    data: str,
    *,
    scale: str = "s",
) -> str:
    keys = "".join(
        f'<span><i class="{scale}{n}"></i>{escape(name)}</span>' for n, name in enumerate(names, 1) if name
    )
    legend = f'<div class="legend">{keys}</div>' if len(names) > 1 else ""
    inner = f"{_LEFT},{_WIDTH - _RIGHT},{_TOP},{_HEIGHT - _BOTTOM}"
    box = f'data-x="{frame.x[0]:.9g},{frame.x[1]:.9g}" data-box="{inner}"'
    return (
        f'{legend}<div class="chart"><svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="{escape(y_label)} against {escape(x_label)}" {box} data-values="{escape(data)}">'
        f"{_axes(frame, x_label, y_label)}{''.join(body)}</svg></div>"
    )


def _plain(values: np.ndarray) -> list[float | None]:
    return [float(f"{v:.5g}") if np.isfinite(v) else None for v in np.asarray(values, float).tolist()]
