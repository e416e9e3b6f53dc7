"""Which images are measured, and those from which a segmenter's options are fitted.

As ``graticule segment DIR`` does: images of one size are a movie whose options are fitted
once, to a few of them; images of different sizes are fitted one by one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np

from graticule.core.errors import InputError
from graticule.training.examples import ENDLESS, Example, Source
from graticule.training.sources import OpenedSource

SAMPLES = 9
"""Images to which options are fitted, as in the pipeline."""


@dataclass(frozen=True, kw_only=True)
class ImageSet:
    """Labelled images that are measured together; pickles small.

    Attributes:
        source: Where they come from.
        indices: Which of them.
        alike: Whether all are of one size.
        parted: Of each, whether touching particles have labels of their own.
    """

    source: Source
    indices: tuple[int, ...]
    alike: bool
    parted: tuple[bool, ...]

    @property
    def name(self) -> str:
        """The source's name."""
        return self.source.name

    def title(self, index: int) -> str:
        """Return what an example is called: the last part of its file's name, where it has one."""
        if isinstance(self.source, OpenedSource):
            return PurePosixPath(self.source.title(index)).name
        return self.source.group(index)

    def example(self, place: int) -> Example:
        """Return the image at a place, counted from 0."""
        return self.source.load(self.indices[place])

    def samples(self) -> Iterator[np.ndarray]:
        """Yield the images to which options are fitted, evenly spaced."""
        for place in np.unique(np.linspace(0, len(self.indices) - 1, SAMPLES).round().astype(int)).tolist():
            yield self.example(place).image


def image_set(source: Source, *, made: int) -> ImageSet:
    """Look at every image of a source once, so that what is wrong with one is known early.

    Args:
        source: Where they come from.
        made: How many to take of a source that makes them; those that training comes to last.

    Raises:
        InputError: If an image cannot be read, or there are none.
    """
    indices = chosen(source, made=made)
    if not indices:
        raise InputError(f"{source.name} has no labelled images to compare on")
    shapes, parted = set(), []
    for index in indices:
        example = source.load(index)
        shapes.add(example.image.shape)
        parted.append(example.parted)
    return ImageSet(source=source, indices=indices, alike=len(shapes) == 1, parted=tuple(parted))


def chosen(source: Source, *, made: int) -> tuple[int, ...]:
    """Return the indices that are measured: all, or the last ``made`` of an endless source."""
    count = len(source)
    first = count - made if count >= ENDLESS // 4 else 0
    return tuple(range(first, count))
