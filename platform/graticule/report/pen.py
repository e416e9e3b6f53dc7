"""Draw on a canvas: outlines, text, rings, scale bar, plates."""

from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
from jaxtyping import Bool, UInt8, UInt32
from PIL import Image, ImageDraw, ImageFont

from graticule.analysis.sizes import nice_step
from graticule.report.findings import Units
from graticule.report.palette import colours_of

Colour = tuple[int, int, int]
Point = tuple[float | int, float | int]
"""(x, y) on a canvas."""
WHITE: Colour = (255, 255, 255)
FLASH: Colour = (255, 230, 80)
_PLATE_SHADE = 0.45


@cache
def font(size: int) -> ImageFont.FreeTypeFont:
    """Return the typeface of all pictures (DejaVu Sans, which comes with matplotlib)."""
    return ImageFont.truetype(str(Path(matplotlib.get_data_path(), "fonts/ttf/DejaVuSans.ttf")), size)


def outline(labels: UInt32[np.ndarray, "y x"], *, width: int = 1) -> Bool[np.ndarray, "y x"]:
    """Return the pixels of bodies that lie within ``width`` pixels of something else."""
    edge = np.zeros(labels.shape, bool)
    for step in range(1, width + 1):
        rows = labels[step:] != labels[:-step]
        columns = labels[:, step:] != labels[:, :-step]
        edge[step:] |= rows
        edge[:-step] |= rows
        edge[:, step:] |= columns
        edge[:, :-step] |= columns
    inside: np.ndarray = edge & (labels != 0)
    return inside


def painted(
    grey: UInt8[np.ndarray, "y x"], labels: UInt32[np.ndarray, "y x"], *, width: int = 1, fill: float = 0.0
) -> UInt8[np.ndarray, "y x 3"]:
    """Return an RGB canvas with coloured outlines, bodies tinted by ``fill`` (0 … 1)."""
    canvas = np.repeat(grey[:, :, None], 3, axis=2)
    if fill:
        body = labels != 0
        tint = colours_of(labels[body]).astype(np.float32)
        canvas[body] = (canvas[body] * (1 - fill) + tint * fill).astype(np.uint8)
    edge = outline(labels, width=width)
    canvas[edge] = colours_of(labels[edge])
    return canvas


def plate(canvas: UInt8[np.ndarray, "y x 3"], box: tuple[int, int, int, int]) -> None:
    """Darken a rectangle (left, top, right, bottom), so that text on it can be read."""
    left, top, right, bottom = (max(0, edge) for edge in box)
    part = canvas[top:bottom, left:right]
    part[:] = (part * _PLATE_SHADE).astype(np.uint8)


def write(draw: ImageDraw.ImageDraw, at: Point, text: str, *, size: int, anchor: str = "la") -> None:
    """Write white text with a thin dark rim at (x, y)."""
    draw.text(at, text, font=font(size), fill=WHITE, anchor=anchor, stroke_width=1, stroke_fill=(0, 0, 0))


def ring(draw: ImageDraw.ImageDraw, at: Point, radius: float, *, width: int = 2) -> None:
    """Draw the ring that marks a merge around (x, y)."""
    x, y = at
    for extra, colour in ((width + 2, (0, 0, 0)), (width, FLASH)):
        reach = radius + extra / 2
        draw.ellipse((x - reach, y - reach, x + reach, y + reach), outline=colour, width=extra)


def scale_bar(canvas_width: int, *, scale: float, units: Units) -> tuple[int, str]:
    """Return length on the canvas (px) and legend of a 1-2-5 bar, at most a quarter of the width."""
    length = nice_step(canvas_width / 4 / scale * units.per_px)
    if units.length == "nm" and length >= 1000:
        return round(length / units.per_px * scale), f"{length / 1000:g} µm"
    return round(length / units.per_px * scale), f"{length:g} {units.length}"


def draw_scale_bar(canvas: UInt8[np.ndarray, "y x 3"], *, scale: float, units: Units, text: int) -> None:
    """Put a scale bar in the bottom left corner."""
    height, width = canvas.shape[:2]
    length, legend = scale_bar(width, scale=scale, units=units)
    pad, thick = text // 2, max(3, text // 4)
    reach = max(length, int(font(text).getlength(legend)))
    plate(canvas, (pad, height - text - thick - 4 * pad, reach + 3 * pad, height - pad))
    picture = Image.fromarray(canvas)
    draw = ImageDraw.Draw(picture)
    bottom = height - 2 * pad
    draw.rectangle((2 * pad, bottom - thick, 2 * pad + length, bottom), fill=WHITE)
    write(draw, (2 * pad, bottom - thick - pad // 2), legend, size=text, anchor="lb")
    canvas[:] = np.asarray(picture)
