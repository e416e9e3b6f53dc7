"""A folder with images beside their labels: masks, instance maps or YOLO polygons."""

from collections import Counter
from collections.abc import Iterable

from graticule.core.errors import InputError
from graticule.io import places
from graticule.io.formats import FORMATS
from graticule.io.pictures import PICTURES
from graticule.training.sources.kinds import IMAGES, LABELS, REMEDY, is_pair, labels_beside, named
from graticule.training.sources.labels import LabelReader, Masks, Polygons
from graticule.training.sources.masks import are_instances
from graticule.training.sources.pairs import pair
from graticule.training.sources.pictures import LabelledPictures

_VIDEOS = {ending for ending, reader in FORMATS.items() if reader.startswith("video:")}
_IMAGE_ENDINGS = frozenset(FORMATS) - _VIDEOS
_TEXT = ".txt"
_NO_LABELS = frozenset({"classes.txt", "notes.txt", "readme.txt"})
"""What annotation tools write beside polygons."""


def open_folder(text: str) -> LabelledPictures:
    """Open ``images`` beside ``labels``, ``masks`` or ``instances``; or ``images/X`` of ``labels/X``.

    Raises:
        InputError: If the folders are not one of each, files do not pair, or sizes differ.
    """
    path = places.located(text)
    folders = [entry.name for entry in places.entries(path) if entry.is_folder]
    labels = None if is_pair(folders) else labels_beside(path)
    if labels is not None:
        return open_pair(path, labels, name=text)
    return open_pair(_only(path, folders, IMAGES), _only(path, folders, LABELS), name=text)


def open_pair(images: str, labels: str, *, name: str, notes: tuple[str, ...] = ()) -> LabelledPictures:
    """Open a folder of images and the folder of their labels.

    Args:
        images: Path or URL.
        labels: Path or URL.
        name: What the user wrote.
        notes: Lines that the user should read once.

    Raises:
        InputError: As :func:`open_folder`.
    """
    pictures, more = _files(images, _IMAGE_ENDINGS, "pictures")
    endings = _label_endings(labels)
    known, others = _files(labels, endings, "labels")
    pairing = pair(pictures, known, where=name)
    label_files = tuple(places.joined(labels, label) for _, label in pairing.pairs)
    return LabelledPictures(
        name=name,
        images=tuple(places.joined(images, image) for image, _ in pairing.pairs),
        labels=label_files,
        reader=_reader(labels, label_files, endings),
        unlabelled=pairing.unlabelled,
        notes=(*notes, *more, *others),
    )


def _only(path: str, folders: Iterable[str], wanted: Iterable[str]) -> str:
    found = named(folders, wanted)
    if len(found) > 1:
        raise InputError(
            f"{path} has {' and '.join(found)}, and only one can be meant; rename or move the others"
        )
    return places.joined(path, found[0])


def _label_endings(folder: str) -> frozenset[str]:
    """Return the endings of label files: of pictures, or of text where there is no picture."""
    endings = {places.extension(name) for name in _visible(folder)}
    return frozenset(PICTURES) if endings & PICTURES.keys() else frozenset({_TEXT})


def _reader(folder: str, files: tuple[str, ...], endings: frozenset[str]) -> LabelReader:
    if _TEXT in endings:
        return Polygons()
    is_named = places.base_name(folder).lower().startswith("instance")
    return Masks(named=is_named, parted=is_named or are_instances(files))


def _visible(folder: str) -> list[str]:
    return [e.name for e in places.entries(folder) if not e.is_folder and not e.name.startswith(".")]


def _files(folder: str, endings: frozenset[str], what: str) -> tuple[list[str], tuple[str, ...]]:
    """Return the files with such endings, and a note on all others."""
    names = _visible(folder)
    files = [name for name in names if places.extension(name) in endings and name.lower() not in _NO_LABELS]
    others = sorted(set(names) - set(files))
    if not files:
        inside = sorted(entry.name for entry in places.entries(folder) if entry.is_folder)
        holds = ", ".join([*others[:3], *inside[:3]]) or "nothing"
        remedy = f"give {places.joined(folder, inside[0])}" if inside else REMEDY
        raise InputError(f"{folder} holds no {what} (it holds {holds}); {remedy}")
    if not others:
        return files, ()
    counts = Counter(places.extension(name) or name for name in others)
    listed = ", ".join(f"{ending} {count}" for ending, count in sorted(counts.items())[:8])
    return files, (f"{folder}: {len(others)} other files ignored ({listed})",)
