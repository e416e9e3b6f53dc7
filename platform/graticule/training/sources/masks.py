"""Label files: semantic masks and instance maps, and which of the two a folder holds."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int32, Integer
from skimage.measure import label as regions_of

from graticule.core.errors import InputError
from graticule.training.sources.ids import COLOURS_FROM, REMEDY, read_ids
from graticule.training.sources.prepare import compact, components

_LEAST_PX = 4
_WHITE, _MOST_WITH_WHITE = 255, 3


def read_mask(path: str, *, parted: bool, named: bool) -> Int32[np.ndarray, "y x"]:
    """Return a file's labels, 1 … n.

    Args:
        path: A png, jpg or tif file.
        parted: Whether ids are particles; if not, 8-connected components are.
        named: Whether the folder's name says that ids are particles.

    Raises:
        InputError: If it cannot be read, is empty, or its values mean nothing known.
    """
    ids = read_ids(path)
    require_meaning(ids, path, named=named)
    if not parted:
        return components(ids > 0)
    labels = compact(ids)
    if labels.max() == 1 and not _solid_share(labels):
        count = int(components(labels > 0).max())
        raise InputError(
            f"{path} has one id for {count} separate regions, where the folder's other masks give each"
            " particle an id; keep masks and instance maps in separate folders"
        )
    return labels


def are_instances(paths: Sequence[str]) -> bool:
    """Return whether any of the files is an instance map: it has several ids that are regions.

    Files that cannot be read or understood decide nothing.
    """
    return any(_is_instance_map(path) for path in paths)


def require_meaning(ids: Integer[np.ndarray, "y x"], path: str, *, named: bool) -> None:
    """Refuse ids that are neither a mask nor an instance map.

    An instance map's ids are regions: at least half of them have most of their pixels, and no
    fewer than 4, in one 8-connected piece. Shades of a blurred or JPEG-compressed mask, and
    classes that many particles share, are not. White with up to two shades of grey is a mask
    with something in between, unless the folder's name says otherwise (``named``).

    Raises:
        InputError: Names the file, its values, and the remedy.
    """
    labels = compact(ids)
    count = int(labels.max(initial=0))
    if not count:
        raise InputError(f"{path} has no particle (all its pixels are 0); label its image, or remove both")
    if labels.min() > 0:
        raise InputError(f"{path} has no background (no pixel is 0; {_values(ids)}); {REMEDY}")
    if count == 1:
        return
    in_between = count <= _MOST_WITH_WHITE and int(ids.max()) == _WHITE and not named
    if in_between or _solid_share(labels) < 0.5:
        raise InputError(f"{path} is neither a mask nor a map of ids ({_values(ids)}); {REMEDY}")


def _is_instance_map(path: str) -> bool:
    try:
        ids = read_ids(path)
        require_meaning(ids, path, named=False)
    except InputError:
        return False
    return int(compact(ids).max()) > 1


def _solid_share(labels: Int32[np.ndarray, "y x"]) -> float:
    """Return the share of labels that are mostly one piece of a few pixels at least."""
    pieces = np.asarray(regions_of(labels, background=0, connectivity=2))  # type: ignore[no-untyped-call]
    sizes = np.bincount(pieces.ravel())
    owner = np.zeros(sizes.size, np.int64)
    owner[pieces.ravel()] = labels.ravel()
    largest = np.zeros(int(labels.max()) + 1, np.int64)
    np.maximum.at(largest, owner[1:], sizes[1:])
    areas = np.bincount(labels.ravel())
    return float(np.mean((largest[1:] >= _LEAST_PX) & (2 * largest[1:] >= areas[1:])))


def _values(ids: Integer[np.ndarray, "y x"]) -> str:
    values = np.unique(ids)
    if values[-1] >= COLOURS_FROM:
        return f"{values.size} colours"
    shown = ", ".join(str(value) for value in values[:6])
    return f"values {shown}{f', … {values[-1]}: {values.size} values' if values.size > 6 else ''}"
