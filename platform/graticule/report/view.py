"""How a movie is shown: at which size, with which contrast.

Contrast is set once per movie, so that nothing flickers and brightness can be compared.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Num, UInt8, UInt32
from PIL import Image

from graticule.core.window import Box
from graticule.storage.experiment import Experiment

LONGEST_EDGE = 1080
_LARGEST_ZOOM = 8
_SAMPLED_FRAMES = 12
_PERCENTILES = (0.3, 99.7)
_BLOCK = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """Shows an experiment on a canvas: pyramid ``level``, then ``zoom`` times as large.

    ``low`` … ``high`` are the intensities shown black and white.
    """

    experiment: Experiment
    level: int
    zoom: int
    low: float
    high: float

    @property
    def scale(self) -> float:
        """Canvas pixels per pixel of the movie."""
        return self.zoom * 0.5**self.level

    def at(self, position: Num[np.ndarray, "*n"]) -> Float[np.ndarray, "*n"]:
        """Return where a coordinate of the movie (pixel centres) lies on the canvas."""
        canvas: np.ndarray = (np.asarray(position, float) + 0.5) * self.scale - 0.5
        return canvas

    def frames(
        self, places: Sequence[int]
    ) -> Iterator[tuple[int, UInt8[np.ndarray, "y x"], UInt32[np.ndarray, "y x"]]]:
        """Yield (place, grey canvas, track ids on the canvas), a few frames in memory at a time."""
        for start, stop in _blocks(places):
            images = self.experiment.read_image(start, stop, level=self.level)
            labels = self.experiment.read_labels("tracks", start, stop, level=self.level)
            for offset in range(stop - start):
                yield (
                    start + offset,
                    enlarged(self.grey(images[offset]), self.zoom),
                    repeated(labels[offset], self.zoom),
                )

    def crop(self, place: int, box: Box) -> tuple[UInt8[np.ndarray, "y x"], UInt32[np.ndarray, "y x"]]:
        """Return grey values and track ids of a box of one frame, in full resolution."""
        image = self.experiment.read_image(place, place + 1, box)
        return self.grey(image[0]), self.experiment.read_labels("tracks", place, place + 1, box)[0]

    def grey(self, frame: Num[np.ndarray, "y x"]) -> UInt8[np.ndarray, "y x"]:
        """Stretch intensities to 0 … 255; what is not finite is black."""
        stretched = (frame.astype(np.float32) - self.low) * (255 / (self.high - self.low))
        finite = np.nan_to_num(stretched, nan=0, posinf=255, neginf=0)
        grey: np.ndarray = np.clip(finite, 0, 255).astype(np.uint8)
        return grey


def view_of(experiment: Experiment) -> View:
    """Choose size and contrast: longer edge at most 1080 px, small movies enlarged."""
    edge = max(experiment.shape[1:])
    level = max(0, int(np.ceil(np.log2(edge / LONGEST_EDGE))))
    zoom = max(1, min(_LARGEST_ZOOM, LONGEST_EDGE // edge))
    low, high = _contrast(experiment, level)
    return View(experiment=experiment, level=level, zoom=zoom, low=low, high=high)


def enlarged(grey: UInt8[np.ndarray, "y x"], zoom: int) -> UInt8[np.ndarray, "y2 x2"]:
    """Enlarge by cubic interpolation."""
    if zoom == 1:
        return grey
    size = (grey.shape[1] * zoom, grey.shape[0] * zoom)
    return np.asarray(Image.fromarray(grey).resize(size, Image.Resampling.BICUBIC))


def repeated(labels: UInt32[np.ndarray, "y x"], zoom: int) -> UInt32[np.ndarray, "y2 x2"]:
    """Enlarge by repeating pixels."""
    return labels if zoom == 1 else labels.repeat(zoom, axis=0).repeat(zoom, axis=1)


def _contrast(experiment: Experiment, level: int) -> tuple[float, float]:
    places = np.unique(np.linspace(0, experiment.shape[0] - 1, _SAMPLED_FRAMES).astype(int))
    samples = []
    for place in places.tolist():
        values = experiment.read_image(place, place + 1, level=level)[0, ::2, ::2].ravel()
        samples.append(values[np.isfinite(values)].astype(np.float32))
    values = np.concatenate(samples)
    if not values.size:
        return 0.0, 1.0
    low, high = np.percentile(values, _PERCENTILES)
    return (float(low), float(high)) if high > low else (float(low) - 0.5, float(low) + 0.5)


def _blocks(places: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Cut into runs of consecutive frames that are read at once."""
    start = 0
    for index in range(1, len(places) + 1):
        broken = index == len(places) or places[index] != places[index - 1] + 1
        if broken or index - start == _BLOCK:
            yield places[start], places[index - 1] + 1
            start = index
