"""Colours that stay with a track and that most eyes can tell apart."""

import numpy as np
from jaxtyping import Integer, UInt8

# The bright and vibrant schemes of Paul Tol (SRON/EPS/TN/09-002), greys left out, and three
# more; in steps of five, each differs from the next in hue.
_TRACKS = (
    "#66CCEE",
    "#EE7733",
    "#CCBB44",
    "#EEDD88",
    "#44BB99",
    "#FFAABB",
    "#BBCC33",
    "#EE3377",
    "#AA66DD",
    "#4477FF",
    "#33BBEE",
    "#EE6677",
)

TRACK_COLOURS: UInt8[np.ndarray, "colours 3"] = np.array(
    [[int(code[at : at + 2], 16) for at in (1, 3, 5)] for code in _TRACKS], np.uint8
)


def colour_index(track: Integer[np.ndarray, "..."]) -> Integer[np.ndarray, "..."]:
    """Return the number of each track's colour; ids that follow each other get different ones."""
    index: np.ndarray = (np.asarray(track, np.int64) * 5) % len(_TRACKS)
    return index


def colours_of(track: Integer[np.ndarray, "*n"]) -> UInt8[np.ndarray, "*n 3"]:
    """Return the RGB colour of each track."""
    colours: np.ndarray = TRACK_COLOURS[colour_index(track)]
    return colours
