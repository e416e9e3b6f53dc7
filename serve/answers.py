"""What was found, in the form that was asked for."""

import io
import json
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import imagecodecs
import numpy as np
import tifffile
from jaxtyping import UInt32

from serve.accepting import Form
from serve.bodies import Share
from serve.canvas import Pixels, grey, overlay
from serve.contract import Outlines
from serve.deadline import Deadline
from serve.found import Asked, Labelled, Measured, Prompted, hidden, measured, measured_body, painted
from serve.outlines import MOST_CORNERS, check_encodable, polygons, run_lengths, run_lengths_in
from serve.problems import Problem

FORM_TYPES: dict[Form, str] = {
    "json": "application/json",
    "png": "image/png",
    "tiff": "image/tiff",
    "overlay-jpeg": "image/jpeg",
    "overlay-png": "image/png",
}
MOST_INSTANCES = 100_000
"""Of JSON, in which each takes some hundred bytes; label images hold more."""
_JPEG_QUALITY = 92
_PNG_LEVEL = 1
_BYTES_PER_PIXEL = {"json": 2, "png": 4, "tiff": 8, "overlay-jpeg": 7, "overlay-png": 8}
"""What encoding takes beside labels and pixels, at most; of JSON there are the outlines too."""
_BYTES_PER_CORNER = 100
_BYTES_PER_INSTANCE = 2000
_LEAST_BYTES = 2**25
"""Of bands of the image, whatever its size."""


@dataclass(frozen=True, kw_only=True, slots=True)
class About:
    """What is said of an answer beside what was found."""

    model: str
    weights: str
    champion: bool
    pixel_size_nm: float | None
    outlines: Outlines = "polygon"
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Encoded:
    """An answer's bytes.

    ``hidden`` are the ids that have no pixel of their own in the label image, where prompts overlap.
    """

    body: bytes
    hidden: tuple[int, ...] = ()


def encoded(
    found: Labelled | Prompted,
    about: About,
    *,
    form: Form,
    pixels: Pixels | None,
    share: Share,
    deadline: Deadline,
) -> Encoded:
    """Return the answer's bytes.

    Args:
        found: In the image.
        about: What is said beside it.
        form: Asked for.
        pixels: Of the image; only an overlay needs them.
        share: Takes what encoding needs of memory.
        deadline: Until when somebody waits.

    Raises:
        Problem: 422 if the form cannot hold so much, 503 if there is no memory for it now, 504 if
            time is over.
    """
    deadline.check()
    labels, covered = _label_image(found, form, share)
    with share.lent(labels.size * _BYTES_PER_PIXEL[form] + min(_LEAST_BYTES, labels.size * 64)):
        if form == "json":
            body = b"".join(_json(found, labels, about, covered, share, deadline))
        else:
            body = _picture(labels, about, form, pixels, deadline)
    return Encoded(body=body, hidden=tuple(covered))


def seen(pixels: Pixels, share: Share) -> bytes:
    """Return an image as a grey PNG of 8 bits, stretched as networks see it."""
    with share.lent(2 * pixels.size + min(_LEAST_BYTES, pixels.size * 64)):
        return bytes(imagecodecs.png_encode(grey(pixels), level=_PNG_LEVEL))


def _label_image(
    found: Labelled | Prompted, form: Form, share: Share
) -> tuple[UInt32[np.ndarray, "y x"], list[int]]:
    if isinstance(found, Labelled):
        return found.labels, []
    if form == "json" and len(found.bodies) < 2:
        return np.zeros((0, 0), np.uint32), []
    share.take(found.shape[0] * found.shape[1] * 12)
    labels = painted(found.bodies, found.shape)
    return labels, hidden(found.bodies, labels)


def _picture(
    labels: UInt32[np.ndarray, "y x"], about: About, form: Form, pixels: Pixels | None, deadline: Deadline
) -> bytes:
    if form == "png":
        check_encodable(int(labels.max(initial=0)))
        return bytes(imagecodecs.png_encode(labels.astype(np.uint16), level=_PNG_LEVEL))
    if form == "tiff":
        return _tiff(labels, about.pixel_size_nm)
    assert pixels is not None
    canvas = overlay(pixels, labels, check=deadline.check)
    if form == "overlay-png":
        return bytes(imagecodecs.png_encode(canvas, level=_PNG_LEVEL))
    return bytes(imagecodecs.jpeg8_encode(canvas, level=_JPEG_QUALITY))


def _json(
    found: Labelled | Prompted,
    labels: UInt32[np.ndarray, "y x"],
    about: About,
    covered: list[int],
    share: Share,
    deadline: Deadline,
) -> Iterator[bytes]:
    """Yield a :class:`serve.contract.SegmentAnswer`, an instance at a time."""
    yield _dumped(_head(found, about, covered))[:-1] + b',"instances":['
    count = len(found.scores) if isinstance(found, Labelled) else len(found.bodies)
    if count > MOST_INSTANCES:
        raise Problem(
            "cannot-be", f"{count} instances do not fit in JSON ({MOST_INSTANCES}); ask for image/tiff"
        )
    with share.lent(count * _BYTES_PER_INSTANCE):
        bodies = _labelled(found, about, share) if isinstance(found, Labelled) else _prompted(found, about)
        with closing(bodies):
            for index, body in enumerate(bodies):
                deadline.check()
                yield (b"," if index else b"") + _dumped(body)
    yield b"]}"


def _head(found: Labelled | Prompted, about: About, covered: list[int]) -> dict[str, Any]:
    shape = found.labels.shape if isinstance(found, Labelled) else found.shape
    polarity = found.polarity if isinstance(found, Labelled) else None
    notes = [*about.notes, *found.notes]
    if covered:
        names = ", ".join(map(str, covered))
        notes.append(f"particles {names} lie under others whole: label images and overlays do not show them")
    return {
        "model": about.model,
        "weights": about.weights,
        "champion": about.champion,
        "height": shape[0],
        "width": shape[1],
        "pixel_size_nm": about.pixel_size_nm,
        **({"polarity": polarity} if polarity else {}),
        "notes": notes,
    }


def _labelled(found: Labelled, about: About, share: Share) -> Generator[dict[str, Any], None, None]:
    size = found.labels.shape
    rings = polygons(found.labels) if about.outlines == "polygon" else None
    counts = run_lengths(found.labels) if about.outlines == "rle" else None
    corners = sum(len(ring) for own in rings or () for ring in own) + sum(map(len, counts or ()))
    with share.lent(corners * _BYTES_PER_CORNER):
        for index, own in enumerate(measured(found.labels)):
            shape: dict[str, Any] = {}
            if rings is not None:
                shape = {"polygon": [ring.tolist() for ring in rings[index]]}
            elif counts is not None:
                shape = _rle(size, counts[index])
            yield {**_numbers(index + 1, own, float(found.scores[index]), about.pixel_size_nm), **shape}


def _prompted(found: Prompted, about: About) -> Generator[dict[str, Any], None, None]:
    left = MOST_CORNERS
    for index, body in enumerate(found.bodies):
        own = measured_body(body, found.shape)
        numbers = _numbers(index + 1, own, body.score, about.pixel_size_nm)
        shape, corners = _outline(body, found.shape, about.outlines, left)
        left -= corners
        yield {**numbers, "prompt": body.prompt, **shape}


def _outline(
    body: Asked, shape: tuple[int, int], outlines: Outlines, most: int
) -> tuple[dict[str, Any], int]:
    """Return the shape of an answer to a prompt, and how many corners it has."""
    mask = body.mask.view(np.uint8)
    if outlines == "polygon":
        [rings] = polygons(mask, most=most)
        corners = sum(map(len, rings))
        return {"polygon": [(ring + np.array(body.corner)).tolist() for ring in rings]}, corners
    if outlines == "rle":
        counts = run_lengths_in(mask, body.corner, shape, most=most)
        return _rle(shape, counts), len(counts)
    return {}, 0


def _rle(shape: tuple[int, ...], counts: list[int]) -> dict[str, Any]:
    return {"rle": {"size": [int(shape[0]), int(shape[1])], "counts": counts}}


def _numbers(number: int, own: Measured, score: float, nm: float | None) -> dict[str, Any]:
    px: dict[str, Any] = {
        "id": number,
        "area_px": own.area,
        "centroid": [round(place, 3) for place in own.centroid],
        "box": list(own.box),
        "equivalent_diameter_px": round(own.equivalent_diameter, 4),
        "touches_border": own.touches_border,
        "score": round(min(max(score, 0.0), 1.0), 4),
    }
    if nm is None:
        return px
    return px | {
        "area_nm2": px["area_px"] * nm**2,
        "centroid_nm": [place * nm for place in px["centroid"]],
        "box_nm": [edge * nm for edge in px["box"]],
        "equivalent_diameter_nm": px["equivalent_diameter_px"] * nm,
    }


def _dumped(value: dict[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":"), allow_nan=False).encode()


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
