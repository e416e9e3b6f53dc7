"""A sheet of examples held out: as they are, the truth, what was found."""

from collections.abc import Sequence
from io import BytesIO

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from graticule.training.validation import AbstractScored, Picture

EDGE_PX = 448
"""Longest edge of a picture on the sheet."""
_GAP = 4


def sheet(scored: Sequence[AbstractScored]) -> bytes:
    """Return a PNG with a row for each; columns are what was to be seen, the truth, what was found."""
    rows = [np.hstack([_gap(_small(picture)) for picture in one.pictures()]) for one in scored]
    width = max((row.shape[1] for row in rows), default=1)
    filled = [np.pad(row, ((0, 0), (0, width - row.shape[1]), (0, 0)), constant_values=255) for row in rows]
    picture = np.vstack(filled) if filled else np.full((1, 1, 3), 255, np.uint8)
    buffer = BytesIO()
    Image.fromarray(picture).save(buffer, "PNG")
    return buffer.getvalue()


def _small(whole: Picture) -> UInt8[np.ndarray, "y2 x2 3"]:
    picture = Image.fromarray(whole)
    picture.thumbnail((EDGE_PX, EDGE_PX), Image.Resampling.BOX)
    return np.asarray(picture)


def _gap(picture: UInt8[np.ndarray, "y x 3"]) -> UInt8[np.ndarray, "y2 x2 3"]:
    return np.pad(picture, ((0, _GAP), (0, _GAP), (0, 0)), constant_values=255)
