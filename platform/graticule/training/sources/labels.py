"""How labels are read for an image: from a mask, or from polygons."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int32

from graticule.core.errors import InputError
from graticule.io.pictures import read_header
from graticule.training.sources.masks import read_mask
from graticule.training.sources.polygons import draw, read_polygons


class LabelReader(ABC):
    """Reads label files of one kind."""

    parted: bool
    """Whether touching particles have labels of their own."""

    @abstractmethod
    def shape(self, path: str) -> tuple[int, int] | None:
        """Return the height and width that a file fits, by its header; ``None`` if any.

        Raises:
            InputError: If its header cannot be read.
        """

    @abstractmethod
    def read(self, path: str, shape: tuple[int, int]) -> Int32[np.ndarray, "y x"]:
        """Return a file's labels for an image of ``shape``, 1 … n.

        Raises:
            InputError: If it cannot be read, or means nothing known.
        """


@dataclass(frozen=True, kw_only=True, slots=True)
class Masks(LabelReader):
    """Masks or instance maps.

    Attributes:
        named: Whether the folder's name says that they are instance maps.
        parted: Whether they are.
    """

    named: bool
    parted: bool

    def shape(self, path: str) -> tuple[int, int]:
        """Return a mask's height and width."""
        header = read_header(path)
        if header.pages != 1:
            raise InputError(f"{path} holds {header.pages} pages; save each as a picture of its own")
        return header.shape

    def read(self, path: str, shape: tuple[int, int]) -> Int32[np.ndarray, "y x"]:
        """Return a mask's labels."""
        return read_mask(path, parted=self.parted, named=self.named)


@dataclass(frozen=True, slots=True)
class Polygons(LabelReader):
    """YOLO polygons; an empty file is an image without particles."""

    parted: bool = True

    def shape(self, path: str) -> None:
        """Return nothing: polygons fit any size."""

    def read(self, path: str, shape: tuple[int, int]) -> Int32[np.ndarray, "y x"]:
        """Return the polygons as labels."""
        return draw(read_polygons(path), shape)
