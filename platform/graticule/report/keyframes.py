"""Key frames for print: frame, identities, zoom; one row per moment.

The layout of Figure 6 of Duan et al. 2024 (doi 10.69761/HDTA8338).
"""

import io
from typing import Any

import numpy as np
from jaxtyping import UInt8
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image, ImageDraw

from graticule.core.window import Box
from graticule.report.findings import Findings
from graticule.report.moments import Scene, scene_of
from graticule.report.overlay import roomy_names
from graticule.report.pen import draw_scale_bar, font, painted, write
from graticule.report.view import View, enlarged, repeated

_DPI = 200
_WIDTH_INCH = 7.2  # two columns of a journal
_ZOOM_PIXELS = 480
_ZOOM_COLOUR = "#FFE650"


def draw_keyframes(findings: Findings, view: View) -> bytes:
    """Return the key frames as a PNG of 200 dpi."""
    scene = scene_of(findings)
    height, width = findings.experiment.shape[1:]
    panel = _WIDTH_INCH / 3
    figure = Figure(
        figsize=(_WIDTH_INCH, panel * max(0.5, min(height / width, 2)) * len(scene.places)), dpi=_DPI
    )
    axes = figure.subplots(len(scene.places), 3, squeeze=False)
    for row, place in zip(axes, scene.places, strict=True):
        _draw_moment(row, findings, view, scene, place)
    for axis, title in zip(axes[0], ("frame", "identities", _zoom_title(scene)), strict=True):
        axis.set_title(title, fontsize=8, pad=4)
    figure.subplots_adjust(left=0.035, right=0.995, top=0.965, bottom=0.005, wspace=0.03, hspace=0.03)
    return _png(figure)


def _zoom_title(scene: Scene) -> str:
    if scene.merge is None:
        return "zoom"
    names = " + ".join(str(track) for track in scene.merge["parents"])
    return f"zoom: {names} → {scene.merge['children'][0]}"


def _draw_moment(axes: Any, findings: Findings, view: View, scene: Scene, place: int) -> None:
    box = scene.box(place, findings)
    _, grey, labels = next(view.frames([place]))
    plain = np.repeat(grey[:, :, None], 3, axis=2)
    text = max(12, plain.shape[1] // 24)
    draw_scale_bar(plain, scale=view.scale, units=findings.units, text=text)
    tinted = _named(painted(grey, labels, width=2, fill=0.45), findings, view, place)
    zoomed = _zoom(findings, view, place, box)
    for axis, picture in zip(axes, (plain, tinted, zoomed), strict=True):
        axis.imshow(picture, interpolation="antialiased", aspect="equal")
        axis.set(xticks=[], yticks=[])
        for spine in axis.spines.values():
            spine.set_visible(False)
    for axis in axes[:2]:
        axis.add_patch(_frame_of(box, view))
    for spine in axes[2].spines.values():
        spine.set(visible=True, color=_ZOOM_COLOUR, linewidth=1.2)
    axes[0].set_ylabel(_moment(findings, place), fontsize=8, labelpad=3)


def _named(
    canvas: UInt8[np.ndarray, "y x 3"], findings: Findings, view: View, place: int
) -> UInt8[np.ndarray, "y x 3"]:
    picture = Image.fromarray(canvas)
    pen, size = ImageDraw.Draw(picture), max(9, canvas.shape[1] // 40)
    for name, at in roomy_names(findings, view, place, size=size):
        write(pen, at, name, size=size, anchor="mm")
    return np.asarray(picture)


def _zoom(findings: Findings, view: View, place: int, box: Box) -> UInt8[np.ndarray, "y x 3"]:
    grey, labels = view.crop(place, box)
    zoom = max(1, round(_ZOOM_PIXELS / max(grey.shape)))
    canvas = painted(enlarged(grey, zoom), repeated(labels, zoom), width=max(2, zoom // 3))
    draw_scale_bar(canvas, scale=float(zoom), units=findings.units, text=max(14, canvas.shape[1] // 18))
    picture = Image.fromarray(canvas)
    pen, size = ImageDraw.Draw(picture), max(12, canvas.shape[1] // 20)
    rows = findings.rows(place)
    names = zip(*(findings.particles[name][rows].tolist() for name in ("track", "y_px", "x_px")), strict=True)
    for track, y, x in names:
        if box[0].start < y < box[0].stop and box[1].start < x < box[1].stop:
            at = ((x - box[1].start + 0.5) * zoom, (y - box[0].start + 0.5) * zoom)
            # A name that would leave the picture, or lie on the scale bar, is no help.
            if font(size).getlength(str(track)) / 2 < at[0] < canvas.shape[1] - size:
                write(pen, at, str(track), size=size, anchor="mm")
    return np.asarray(picture)


def _frame_of(box: Box, view: View) -> Rectangle:
    y, x = (span.start * view.scale for span in box)
    height, width = ((span.stop - span.start) * view.scale for span in box)
    return Rectangle((x, y), width, height, fill=False, edgecolor=_ZOOM_COLOUR, linewidth=1)


def _moment(findings: Findings, place: int) -> str:
    if findings.units.time == "s":
        return f"{findings.time[place]:.4g} s"
    return f"frame {int(findings.frames['frame'][place])}"


def _png(figure: Figure) -> bytes:
    sink = io.BytesIO()
    FigureCanvasAgg(figure)
    figure.savefig(sink, format="png", pil_kwargs={"compress_level": 4})
    return sink.getvalue()
