"""YOLO label files: a line per particle, ``class x1 y1 x2 y2 …``, in shares of width and height.

Source: the "Instance Segmentation Datasets" page of the Ultralytics documentation.
"""

import numpy as np
from jaxtyping import Float, Int32
from skimage.draw import polygon

from graticule.core.errors import InputError
from graticule.io import places
from graticule.training.sources.prepare import compact

OUTSIDE = 1e-3
"""How far beyond the picture a coordinate may lie, for rounding."""


def read_polygons(path: str) -> list[Float[np.ndarray, "_ 2"]]:
    """Return the polygons (x, y) of a file, in 0..1; none where the file is empty.

    Raises:
        InputError: If a line is no polygon; names file and line.
    """
    try:
        text = places.read_whole(path).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{path} is no text; give YOLO polygons, or masks as pictures") from None
    lines = enumerate(text.splitlines(), start=1)
    return [_polygon(line.split(), f"{path} line {number}") for number, line in lines if line.strip()]


def draw(polygons: list[Float[np.ndarray, "_ 2"]], shape: tuple[int, int]) -> Int32[np.ndarray, "y x"]:
    """Return polygons as labels, later ones over earlier ones.

    A pixel belongs to a polygon that its centre lies in; one without such a pixel gets the
    pixel its middle lies in.

    Args:
        polygons: Corners (x, y) in shares of width and height.
        shape: Height and width, in pixels.
    """
    height, width = shape
    drawn = np.zeros(shape, np.int32)
    for label, corners in enumerate(polygons, start=1):
        x, y = corners[:, 0] * width - 0.5, corners[:, 1] * height - 0.5
        rows, columns = polygon(y, x, shape)  # type: ignore[no-untyped-call]
        if not len(rows):
            rows = np.clip(np.rint(y.mean()), 0, height - 1).astype(int)
            columns = np.clip(np.rint(x.mean()), 0, width - 1).astype(int)
        drawn[rows, columns] = label
    return compact(drawn)


def _polygon(words: list[str], where: str) -> Float[np.ndarray, "n 2"]:
    try:
        numbers = [float(word) for word in words]
    except ValueError:
        wrong = next(word for word in words if not _is_number(word))
        raise InputError(f"{where}: {wrong!r} is no number; write class x1 y1 x2 y2 …") from None
    places_xy = np.array(numbers[1:])
    if len(places_xy) == 4:
        raise InputError(f"{where} is a box, not a polygon; label outlines: class x1 y1 x2 y2 x3 y3 …")
    if len(places_xy) % 2 or len(places_xy) < 6:
        raise InputError(
            f"{where} has {len(places_xy)} coordinates; a polygon is a class and 3 or more pairs x y"
        )
    inside = (places_xy >= -OUTSIDE) & (places_xy <= 1 + OUTSIDE)
    if not inside.all():
        wrong_value = places_xy[~inside][0]
        raise InputError(
            f"{where}: coordinate {wrong_value:g} is outside of 0 to 1; give shares of width and height"
        )
    return np.asarray(places_xy.clip(0.0, 1.0).reshape(-1, 2))


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True
