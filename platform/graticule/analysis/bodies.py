"""Measure every body in every frame: where, how large, of what shape.

A body is what one track id covers in a frame, all its pieces together. Lengths are in
pixels, coordinates (y, x) are pixel centres.
"""

from collections.abc import Iterable
from math import pi

import numpy as np
from jaxtyping import Float, Int, Integer, Num

from graticule.analysis.hulls import convex_area_px
from graticule.analysis.outlines import perimeter_px
from graticule.analysis.segments import Segments, cut_into_segments

Rows = dict[str, np.ndarray]
"""Columns of equal length by name: one row per frame and body."""

_COLUMNS = {
    "frame": np.int64,
    "track": np.int64,
    "label": np.uint32,
    "pieces": np.int64,
    "y_px": np.float64,
    "x_px": np.float64,
    "area_px": np.int64,
    "equivalent_diameter_px": np.float64,
    "major_axis_px": np.float64,
    "minor_axis_px": np.float64,
    "perimeter_px": np.float64,
    "eccentricity": np.float64,
    "orientation_rad": np.float64,
    "solidity": np.float64,
    "mean_intensity": np.float64,
    "touches_border": np.bool_,
}


def measure_bodies(
    tracks: Integer[np.ndarray, "t y x"],
    instances: Integer[np.ndarray, "t y x"],
    images: Num[np.ndarray, "t y x"],
) -> Rows:
    """Return one row per frame and body of a run of frames, by frame, then track.

    Args:
        tracks: Track ids (0 is background): the bodies.
        instances: Instance labels of the same pixels: the pieces of each body.
        images: Intensities.

    Returns:
        Columns of the particles table that come from pixels; ``frame`` counts within the
        run. Axes, eccentricity and orientation are those of the ellipse with the same
        second moments, as in ``skimage.measure.regionprops``; the orientation is the angle
        from the y axis to the major axis, counter-clockwise, in (-pi/2, pi/2].
        ``label`` is that of the largest piece, of equals the smallest; a body that only the
        tracker saw has label 0 and no pieces.
    """
    frames = [
        {"frame": np.full(len(rows["track"]), index), **rows}
        for index, rows in enumerate(map(_measure_frame, tracks, instances, images))
    ]
    return _stacked(frames)


def join_rows(runs: Iterable[tuple[int, Rows]]) -> Rows:
    """Join the rows of runs of frames, each given with its first frame, in any order."""
    ordered = sorted(runs, key=lambda run: run[0])
    return _stacked([{**rows, "frame": rows["frame"] + first} for first, rows in ordered])


def _stacked(parts: list[Rows]) -> Rows:
    return {
        name: np.concatenate([np.empty(0, kind), *(part[name] for part in parts)]).astype(kind, copy=False)
        for name, kind in _COLUMNS.items()
    }


def _measure_frame(tracks: np.ndarray, instances: np.ndarray, image: np.ndarray) -> Rows:
    segments = cut_into_segments(tracks, instances)
    label, pieces = _pieces(segments)
    area = segments.total(segments.length)
    y, x = _centroid(segments, area)
    return {
        "track": segments.tracks,
        "label": label,
        "pieces": pieces,
        "y_px": y,
        "x_px": x,
        "area_px": area,
        "equivalent_diameter_px": np.sqrt(4 * area / pi),
        "perimeter_px": perimeter_px(tracks, segments),
        "solidity": area / convex_area_px(segments),
        "mean_intensity": _mean_intensity(segments, image, area),
        "touches_border": _touches_border(segments, tracks.shape),
        **_ellipse(segments, area, y, x),
    }


def _centroid(segments: Segments, area: Float[np.ndarray, " bodies"]) -> tuple[np.ndarray, np.ndarray]:
    middle = (segments.start + segments.stop - 1) / 2
    length = segments.length
    return segments.total(length * segments.row) / area, segments.total(length * middle) / area


def _ellipse(segments: Segments, area: np.ndarray, y: np.ndarray, x: np.ndarray) -> Rows:
    """Return axes, eccentricity and orientation from second moments about the centroid."""
    length = segments.length
    dy = segments.row - y[segments.body]
    dx = (segments.start + segments.stop - 1) / 2 - x[segments.body]
    yy = segments.total(length * dy**2) / area
    xy = segments.total(length * dy * dx) / area
    xx = segments.total(length * dx**2 + length * (length**2 - 1) / 12) / area
    spread = np.hypot((yy - xx) / 2, xy)
    large = (yy + xx) / 2 + spread
    small = np.maximum((yy + xx) / 2 - spread, 0)
    roundness = np.divide(small, large, out=np.ones_like(large), where=large > 0)
    return {
        "major_axis_px": 4 * np.sqrt(large),
        "minor_axis_px": 4 * np.sqrt(small),
        "eccentricity": np.sqrt(1 - roundness),
        "orientation_rad": np.arctan2(2 * xy, yy - xx) / 2,
    }


def _mean_intensity(segments: Segments, image: np.ndarray, area: np.ndarray) -> Float[np.ndarray, " bodies"]:
    if not len(segments.row):
        return np.empty(0)
    length = segments.length
    first = np.cumsum(length) - length
    begins = segments.row * image.shape[1] + segments.start
    pixels = np.repeat(begins - first, length) + np.arange(length.sum())
    sums = np.add.reduceat(image.ravel()[pixels].astype(np.float64), first)
    mean: np.ndarray = segments.total(sums) / area
    return mean


def _touches_border(segments: Segments, shape: tuple[int, ...]) -> np.ndarray:
    height, width = shape
    at_edge = (segments.row == 0) | (segments.row == height - 1)
    at_edge |= (segments.start == 0) | (segments.stop == width)
    return segments.total(at_edge) > 0


def _pieces(segments: Segments) -> tuple[Int[np.ndarray, " bodies"], Int[np.ndarray, " bodies"]]:
    """Return each body's label (of the largest piece) and number of pieces."""
    order = np.lexsort((segments.instance, segments.body))
    body, instance = segments.body[order], segments.instance[order]
    fresh = np.flatnonzero((np.diff(body, prepend=-1) != 0) | (np.diff(instance, prepend=-1) != 0))
    if not len(fresh):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    size = np.add.reduceat(segments.length[order], fresh)
    body, instance = body[fresh], instance[fresh]
    best = np.lexsort((instance, -size, body))
    largest = best[np.flatnonzero(np.diff(body[best], prepend=-1))]
    return instance[largest], np.bincount(body[instance > 0], minlength=len(segments.tracks))
