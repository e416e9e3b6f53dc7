"""A YOLO data set by its ``data.yaml``, of which the images under ``train`` are taken."""

from typing import Any

import yaml  # type: ignore[import-untyped]

from graticule.core.errors import InputError
from graticule.io import places
from graticule.training.sources.folder import open_pair
from graticule.training.sources.kinds import labels_beside
from graticule.training.sources.pictures import LabelledPictures

_WANTED = "write path: FOLDER and train: images/train, with the labels in labels/train"


def open_list(text: str) -> LabelledPictures:
    """Open the folder that ``train`` names; relative to ``path``, which is relative to the file.

    Raises:
        InputError: If the file is no such list, or its folder is not there.
    """
    file = places.located(text)
    listed = _read(file)
    base = _beneath(file.rsplit("/", 1)[0], str(listed.get("path") or ""))
    images = _folder(file, base, listed["train"])
    labels = labels_beside(images)
    if labels is None:
        raise InputError(f"{file}: train is {images}, and no folder of labels lies beside it; {_WANTED}")
    val = listed.get("val")
    notes = (f"{file}: its val ({val}) is not read; give it as --validation",) if val else ()
    return open_pair(images, labels, name=text, notes=notes)


def _read(file: str) -> dict[str, Any]:
    with places.decoding(file, _WANTED):
        listed = yaml.safe_load(places.read_whole(file).decode("utf-8-sig"))
    if not isinstance(listed, dict) or not isinstance(listed.get("train"), str):
        found = listed.get("train") if isinstance(listed, dict) else listed
        raise InputError(f"{file} names no folder under train (it says {str(found)[:80]!r}); {_WANTED}")
    return listed


def _folder(file: str, base: str, train: str) -> str:
    """Return the folder; also where ``../`` is written for the file's own folder, as exports do."""
    candidates = [_beneath(base, train), _beneath(base, train.removeprefix("../"))]
    for path in candidates:
        if places.kind_of(path) == "folder":
            return path
    raise InputError(f"{file}: its train folder {candidates[0]} is not there; {_WANTED}")


def _beneath(base: str, path: str) -> str:
    if not path or path == ".":
        return base
    if places.is_url(path) or path.startswith("/"):
        return places.located(path)
    return places.located(places.joined(base, path.removeprefix("./")))
