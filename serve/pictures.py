"""Bytes of an image -> grey pixels, once its header has passed."""

import hashlib
import re
import uuid
from dataclasses import dataclass

import fsspec
import numpy as np
from jaxtyping import Num

from graticule.core.errors import InputError
from graticule.io import open_movie
from serve.bodies import Share
from serve.headers import ENDINGS, Limits, check_header, check_single, check_size, kind_of
from serve.problems import Problem

_COPIES = 2
"""Of the bytes, while they are read: in memory's file, and out of it."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Picture:
    """An image ready to be segmented."""

    pixels: Num[np.ndarray, "y x"]
    pixel_size_nm: float | None = None
    notes: tuple[str, ...] = ()


def digest_of(content: bytes | bytearray) -> str:
    """Return what stands for an image's bytes: the same file is known again by it."""
    return hashlib.sha256(content).hexdigest()


def read_picture(content: bytes | bytearray, limits: Limits, share: Share) -> Picture:
    """Return the grey image that some bytes hold.

    Args:
        content: The bytes.
        limits: How large it may be.
        share: Takes what decoding needs of memory, before a pixel is decoded, and keeps the pixels'.

    Raises:
        Problem: 4xx in one line if it is too large, damaged, or of a form that is not read; 503 if
            there is no memory for it now.
    """
    kind = kind_of(content)
    with share.lent(_COPIES * len(content)):
        with share.lent(check_header(content, kind, limits)):
            picture = _decoded(content, ENDINGS[kind], limits)
        share.take(picture.pixels.nbytes)
    return picture


def _decoded(content: bytes | bytearray, ending: str, limits: Limits) -> Picture:
    # The readers of movies know paths; in fsspec's memory a file has one and touches no disk.
    memory = fsspec.filesystem("memory")
    name = f"/{uuid.uuid4().hex}{ending}"
    path = f"memory:/{name}"
    try:
        memory.pipe_file(name, content)
        movie = open_movie(path)
        check_size(*movie.shape[1:], limits)
        check_single(movie.shape[0])
        pixels = movie.read(0, 1)[0]
    except InputError as error:
        raise Problem("cannot-be", _about_the_image(str(error), path)) from None
    finally:
        if memory.exists(name):
            memory.rm_file(name)
    return Picture(
        pixels=pixels,
        pixel_size_nm=movie.calibration.pixel_size_nm,
        notes=tuple(_about_the_image(note, path) for note in movie.notes),
    )


def _about_the_image(said: str, path: str) -> str:
    """Return a line in which the image has no path, and options are fields."""
    said = said.replace(path, "the image").replace("memory://", "")
    return re.sub(r"--([a-z][a-z-]*)", lambda option: option[1].replace("-", "_"), said)
