"""What was found, in the form that was asked for."""

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import imagecodecs
import numpy as np
import tifffile
from jaxtyping import Num, UInt8, UInt32

from graticule.models.learned.normalise import measure_frame
from graticule.report.pen import painted as drawn
from serve.accepting import Form
from serve.contract import Outlines
from serve.found import Asked, Labelled, Measured, Prompted, measured, measured_body, painted
from serve.outlines import check_encodable, polygons, runs_in_box

FORM_TYPES: dict[Form, str] = {
    "json": "application/json",
    "png": "image/png",
    "tiff": "image/tiff",
    "overlay-jpeg": "image/jpeg",
    "overlay-png": "image/png",
}
_JPEG_QUALITY = 92
_FILL = 0.3
_PNG_LEVEL = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class About:
    """What is said of an answer beside what was found."""

    model: str
    weights: str
    champion: bool
    pixel_size_nm: float | None
    outlines: Outlines = "polygon"
    notes: tuple[str, ...] = ()


def encoded(
    found: Labelled | Prompted, about: About, *, form: Form, pixels: Num[np.ndarray, "y x"] | None
) -> bytes:
    """Return the answer's bytes.

    Args:
        found: In the image.
        about: What is said beside it.
        form: Asked for.
        pixels: Of the image; only an overlay needs them.

    Raises:
        Problem: 422 if a 16-bit image cannot hold so many instances.
    """
    if form == "json":
        return json.dumps(as_json(found, about), separators=(",", ":"), allow_nan=False).encode()
    labels = found.labels if isinstance(found, Labelled) else painted(found.bodies, found.shape)
    if form == "png":
        check_encodable(int(labels.max(initial=0)))
        return bytes(imagecodecs.png_encode(labels.astype(np.uint16), level=_PNG_LEVEL))
    if form == "tiff":
        return _tiff(labels, about.pixel_size_nm)
    assert pixels is not None
    canvas = drawn(_grey(pixels), labels, width=max(1, round(max(labels.shape) / 1024)), fill=_FILL)
    if form == "overlay-png":
        return bytes(imagecodecs.png_encode(canvas, level=_PNG_LEVEL))
    return bytes(imagecodecs.jpeg8_encode(canvas, level=_JPEG_QUALITY))


def seen(pixels: Num[np.ndarray, "y x"]) -> bytes:
    """Return an image as a grey PNG of 8 bits, stretched as networks see it."""
    return bytes(imagecodecs.png_encode(_grey(pixels), level=_PNG_LEVEL))


def as_json(found: Labelled | Prompted, about: About) -> dict[str, Any]:
    """Return the members of a :class:`serve.contract.SegmentAnswer`."""
    shape = found.labels.shape if isinstance(found, Labelled) else found.shape
    bodies = _labelled(found, about) if isinstance(found, Labelled) else _prompted(found, about)
    polarity = found.polarity if isinstance(found, Labelled) else None
    return {
        "model": about.model,
        "weights": about.weights,
        "champion": about.champion,
        "height": shape[0],
        "width": shape[1],
        "pixel_size_nm": about.pixel_size_nm,
        **({"polarity": polarity} if polarity else {}),
        "notes": [*about.notes, *found.notes],
        "instances": list(bodies),
    }


def _labelled(found: Labelled, about: About) -> Iterator[dict[str, Any]]:
    rings = polygons(found.labels) if about.outlines == "polygon" else None
    for index, own in enumerate(measured(found.labels)):
        shape: dict[str, Any] = {}
        if rings is not None:
            shape = {"polygon": [ring.tolist() for ring in rings[index]]}
        elif about.outlines == "rle":
            y0, x0, y1, x1 = own.box
            shape = _rle(found.labels[y0:y1, x0:x1] == index + 1, (y0, x0), found.labels.shape)
        yield {**_numbers(index + 1, own, float(found.scores[index]), about.pixel_size_nm), **shape}


def _prompted(found: Prompted, about: About) -> Iterator[dict[str, Any]]:
    for index, body in enumerate(found.bodies):
        own = measured_body(body, found.shape)
        numbers = _numbers(index + 1, own, body.score, about.pixel_size_nm)
        yield {**numbers, "prompt": body.prompt, **_outline(body, found.shape, about.outlines)}


def _outline(body: Asked, shape: tuple[int, int], outlines: Outlines) -> dict[str, Any]:
    if outlines == "polygon":
        rings = polygons(body.mask.astype(np.uint32))[0]
        return {"polygon": [(ring + np.array(body.corner)).tolist() for ring in rings]}
    return _rle(body.mask, body.corner, shape) if outlines == "rle" else {}


def _rle(mask: np.ndarray, corner: tuple[int, int], shape: tuple[int, ...]) -> dict[str, Any]:
    size = int(shape[0]), int(shape[1])
    return {"rle": {"size": list(size), "counts": runs_in_box(mask, corner, size)}}


def _numbers(number: int, own: Measured, score: float, nm: float | None) -> dict[str, Any]:
    out: dict[str, Any] = {
        "id": number,
        "area_px": own.area,
        "centroid": [round(place, 3) for place in own.centroid],
        "box": list(own.box),
        "equivalent_diameter_px": round(own.equivalent_diameter, 4),
        "touches_border": own.touches_border,
        "score": round(min(max(score, 0.0), 1.0), 4),
    }
    if nm is not None:
        out |= {
            "area_nm2": _short(own.area * nm**2),
            "centroid_nm": [_short(place * nm) for place in own.centroid],
            "box_nm": [_short(edge * nm) for edge in own.box],
            "equivalent_diameter_nm": _short(own.equivalent_diameter * nm),
        }
    return out


def _short(value: float) -> float:
    """Return a number to six digits: more than any scale is known to."""
    return float(f"{value:.6g}")


def _tiff(labels: UInt32[np.ndarray, "y x"], nm: float | None) -> bytes:
    dtype = np.uint16 if labels.max(initial=0) < 2**16 else np.uint32
    file = io.BytesIO()
    # ImageJ knows no 32-bit integers, and its scale is the one that readers of graticule take.
    imagej = nm is not None and dtype == np.uint16
    scale: dict[str, Any] = (
        {"resolution": (1 / nm, 1 / nm), "metadata": {"unit": "nm"}} if imagej and nm else {}
    )
    tifffile.imwrite(
        file, labels.astype(dtype), imagej=imagej, compression=None if imagej else "zlib", **scale
    )
    return file.getvalue()


def _grey(pixels: Num[np.ndarray, "y x"]) -> UInt8[np.ndarray, "y x"]:
    """Return pixels in 8 bits, stretched as networks see them."""
    seen = measure_frame(pixels)
    if seen["empty"]:
        return np.zeros(pixels.shape, np.uint8)
    low, high = seen["low"], seen["high"]
    scaled = (np.asarray(pixels, np.float32) - low) * (255 / (high - low))
    return np.asarray(np.clip(scaled, 0, 255), np.uint8)
