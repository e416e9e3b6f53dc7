"""Small pictures of merges: just before, at contact, some frames later."""

import base64
import io
from typing import Any

import numpy as np
from PIL import Image

from graticule.report.findings import Findings
from graticule.report.moments import region
from graticule.report.pen import painted
from graticule.report.view import View, enlarged, repeated

MOST = 48
_EDGE = 84
_GAP = 3
_LATER = 10


def merge_thumbnails(findings: Findings, view: View) -> dict[int, str]:
    """Return, for the surest merges by event number, a strip of three pictures as a data URI."""
    merges = sorted(findings.of_kind("merge"), key=lambda event: (-event["confidence"], event["event"]))
    return {event["event"]: data_uri(_strip(findings, view, event), "jpeg") for event in merges[:MOST]}


def data_uri(picture: np.ndarray | Image.Image, kind: str) -> str:
    """Return a picture as text that a page can hold."""
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    sink = io.BytesIO()
    image.save(sink, kind.upper(), quality=82)
    return f"data:image/{kind};base64,{base64.b64encode(sink.getvalue()).decode()}"


def _strip(findings: Findings, view: View, event: dict[str, Any]) -> np.ndarray:
    contact, last = event["place"], len(findings.time) - 1
    edge = int(np.clip(2 * findings.diameter_of(event["children"], contact), 16, 256))
    shown = [
        _square(findings, view, event, place, edge)
        for place in (contact - 1, contact, min(contact + _LATER, last))
    ]
    gap = np.full((_EDGE, _GAP, 3), 255, np.uint8)
    return np.concatenate([shown[0], gap, shown[1], gap, shown[2]], axis=1)


def _square(findings: Findings, view: View, event: dict[str, Any], place: int, edge: int) -> np.ndarray:
    place = max(place, 0)
    drift = findings.drift[place] - findings.drift[event["place"]]
    height, width = findings.experiment.shape[1:]
    box = region((event["y_px"] + drift[0], event["x_px"] + drift[1]), edge, (height, width))
    grey, labels = view.crop(place, box)
    zoom = max(1, -(-_EDGE // max(grey.shape)))
    canvas = Image.fromarray(painted(enlarged(grey, zoom), repeated(labels, zoom), width=1))
    canvas.thumbnail((_EDGE, _EDGE), Image.Resampling.LANCZOS)
    square = Image.new("RGB", (_EDGE, _EDGE))
    square.paste(canvas)
    return np.asarray(square)
