"""A source that can also tell what its user should know before training begins."""

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int32, Num

from graticule.core.errors import InputError
from graticule.training.examples import Example, Source
from graticule.training.sources.prepare import dark_particles, prepared
from graticule.training.sources.stamps import Stamps


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Labelled:
    """An image as it lies in its file, with its labels (:class:`Example` says what they mean)."""

    pixels: Num[np.ndarray, "y x"]
    labels: Int32[np.ndarray, "y x"]
    parted: bool


class OpenedSource(Source):
    """Labelled images from one place; safe to use from several threads.

    Networks are shown dark particles. Whether they are dark in an image is read off its labels:
    they are, if the mean in them is below the mean just outside
    (:func:`graticule.training.sources.prepare.dark_particles`). Where an image has no particle,
    or nothing else, the first image that has both decides.
    """

    unlabelled: tuple[str, ...] = ()
    """Images that have no labels, by file name."""
    notes: tuple[str, ...] = ()
    """Lines that the user should read once."""
    _dark: bool | None = None

    @abstractmethod
    def title(self, index: int) -> str:
        """Return what the user calls an example: its file, its frame."""

    @abstractmethod
    def pixels(self, index: int) -> Num[np.ndarray, "y x"]:
        """Return an example's grey values as they lie in their file.

        Raises:
            InputError: If they cannot be read.
        """

    @abstractmethod
    def labelled(self, index: int) -> Labelled:
        """Return an example as it lies in its files.

        Raises:
            InputError: If its files cannot be read, or do not belong together.
        """

    def check(self) -> None:
        """Read all there is, so that nothing stops a training later; endless sources need none.

        Raises:
            InputError: If pairs are bad; names the first of them, and how many there are.
        """

    def stamps(self) -> Stamps:
        """Return what stands for each of its files; of a source without files, for all of it.

        Raises:
            InputError: If one cannot be read.
        """
        return {self.name: self.digest()}

    def load(self, index: int) -> Example:
        """Return an example.

        Raises:
            InputError: If its files cannot be read, or do not belong together.
        """
        found = self.labelled(index)
        dark = dark_particles(found.pixels, found.labels)
        if dark is None:
            dark = self._usually_dark()
        image = prepared(found.pixels, dark=dark, where=self.title(index))
        return Example(image=image, labels=found.labels, parted=found.parted)

    def _usually_dark(self) -> bool:
        """Return what the first example says that has particles and background; else they are dark."""
        if self._dark is None:
            self._dark = self._first_answer()
        return self._dark

    def _first_answer(self) -> bool:
        for index in range(len(self)):
            try:
                found = self.labelled(index)
            except InputError:
                continue  # check() names it
            answer = dark_particles(found.pixels, found.labels)
            if answer is not None:
                return answer
        return True
