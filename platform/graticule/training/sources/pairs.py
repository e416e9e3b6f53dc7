"""Which labels belong to which image: those of the same stem, else of the same trailing number."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from graticule.core.errors import InputError
from graticule.io import places
from graticule.io.natural import natural_key

_TRAILING = re.compile(r"(\d+)$")
_RENAME = "rename them so that each image and its labels share one stem"


@dataclass(frozen=True, kw_only=True, slots=True)
class Pairing:
    """Names of images with the names of their labels, in natural order, and images without any."""

    pairs: tuple[tuple[str, str], ...]
    unlabelled: tuple[str, ...]


def pair(images: Sequence[str], labels: Sequence[str], *, where: str) -> Pairing:
    """Pair names: by stem without case, and labels without such an image by trailing number.

    Args:
        images: File names.
        labels: File names.
        where: The folder, for the message.

    Raises:
        InputError: If labels fit no image, or anything fits two.
    """
    by_stem, by_number = _by(images, _stem), _by(images, _number)
    found: dict[str, list[str]] = defaultdict(list)
    for label in sorted(labels, key=natural_key):
        candidates = by_stem.get(_stem(label)) or by_number.get(_number(label) or "", [])
        found[_only_image(label, candidates, images, where)].append(label)
    for image, its in found.items():
        if len(its) > 1:
            raise InputError(f"{where}: image {image} has labels {its[0]} and {its[1]}; {_RENAME}")
    ordered = sorted(images, key=natural_key)
    return Pairing(
        pairs=tuple((image, found[image][0]) for image in ordered if image in found),
        unlabelled=tuple(image for image in ordered if image not in found),
    )


def _only_image(label: str, candidates: Sequence[str], images: Sequence[str], where: str) -> str:
    if len(candidates) == 1:
        return candidates[0]
    if candidates:
        raise InputError(f"{where}: labels {label} fit image {candidates[0]} and {candidates[1]}; {_RENAME}")
    example = min(images, key=natural_key)
    raise InputError(
        f"{where}: no image belongs to labels {label} (images are named as {example}, and paired by stem or"
        " by trailing number); rename the labels, or move them elsewhere"
    )


def _by(names: Iterable[str], key: Callable[[str], str | None]) -> Mapping[str, list[str]]:
    groups: dict[str, list[str]] = defaultdict(list)
    for name in sorted(names, key=natural_key):
        known = key(name)
        if known is not None:
            groups[known].append(name)
    return groups


def _stem(name: str) -> str:
    return places.stem(name).casefold()


def _number(name: str) -> str | None:
    digits = _TRAILING.search(_stem(name))
    return str(int(digits.group(1))) if digits else None
