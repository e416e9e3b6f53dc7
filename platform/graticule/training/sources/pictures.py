"""Pictures with a file of labels each."""

from collections.abc import Callable
from typing import final

import numpy as np
from jaxtyping import Num

from graticule.core.errors import InputError
from graticule.io import open_movie, places
from graticule.io.pictures import PICTURES, read_picture
from graticule.training.sources.checking import failures, refuse
from graticule.training.sources.labels import LabelReader
from graticule.training.sources.opened import Labelled, OpenedSource
from graticule.training.sources.stamps import Stamps, digest_of, stamps_of


@final
class LabelledPictures(OpenedSource):
    """Pictures with a file of labels each, of one kind. Opening it reads headers.

    Raises:
        InputError: If sizes differ in pairs, or headers cannot be read; names the first of them.
    """

    def __init__(
        self,
        *,
        name: str,
        images: tuple[str, ...],
        labels: tuple[str, ...],
        reader: LabelReader,
        unlabelled: tuple[str, ...] = (),
        notes: tuple[str, ...] = (),
    ) -> None:
        self.name, self.images, self.labels, self.reader = name, images, labels, reader
        self.unlabelled, self.notes = unlabelled, notes
        self._refuse_where(self._require_fit)

    def __len__(self) -> int:
        return len(self.images)

    def group(self, index: int) -> str:
        """Return the image's path: each is its own."""
        return self.images[index]

    def title(self, index: int) -> str:
        """Return the image's path."""
        return self.images[index]

    def pixels(self, index: int) -> Num[np.ndarray, "y x"]:
        """Return a picture's grey values."""
        path = self.images[index]
        if places.extension(path) in PICTURES:
            return read_picture(path)
        return np.asarray(open_movie(path).read(0, 1)[0])

    def labelled(self, index: int) -> Labelled:
        """Return a picture with its labels."""
        pixels = self.pixels(index)
        labels = self.reader.read(self.labels[index], pixels.shape)
        if labels.shape != pixels.shape:
            raise self._unlike(index, pixels.shape, labels.shape)
        return Labelled(pixels=pixels, labels=labels, parted=self.reader.parted)

    def check(self) -> None:
        """Read all pairs.

        Raises:
            InputError: If some are bad; names the first of them, and how many there are.
        """
        self._refuse_where(self.load)

    def stamps(self) -> Stamps:
        """Return what stands for each image and each file of labels."""
        return stamps_of([*self.images, *self.labels])

    def digest(self) -> str:
        """Return a digest of all files' names, sizes and content (:mod:`.stamps`)."""
        return digest_of(self.stamps())

    def _refuse_where(self, read: Callable[[int], object]) -> None:
        refuse(self.name, failures(read, len(self)), total=len(self))

    def _require_fit(self, index: int) -> None:
        movie = open_movie(self.images[index])
        if movie.shape[0] != 1:
            raise InputError(
                f"{self.images[index]} holds {movie.shape[0]} frames; save each as a picture of its own"
            )
        shape = self.reader.shape(self.labels[index])
        if shape is not None and shape != movie.shape[1:]:
            raise self._unlike(index, movie.shape[1:], shape)

    def _unlike(self, index: int, image: tuple[int, ...], labels: tuple[int, ...]) -> InputError:
        return InputError(
            f"{self.images[index]} has {image[0]} x {image[1]} pixels and its labels {self.labels[index]}"
            f" {labels[0]} x {labels[1]}; save both in one size"
        )
