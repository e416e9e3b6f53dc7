"""Which kind of source a text means: by its scheme, else by what lies there."""

from collections.abc import Iterable

from graticule.core.errors import InputError
from graticule.io import places
from graticule.storage.experiment import Experiment

SYNTHETIC = "synthetic:"
IMAGES = ("image", "images", "img", "imgs", "frame", "frames")
LABELS = ("label", "labels", "mask", "masks", "instance", "instances")
REMEDY = (
    "give a folder with images beside labels (or masks, or instances), a YOLO data.yaml,"
    " an experiment, or synthetic:PRESET"
)


def kind_of(text: str) -> str:
    """Return ``"synthetic"``, ``"list"``, ``"experiment"`` or ``"folder"``.

    Raises:
        InputError: If it is nothing of these.
    """
    if text.startswith(SYNTHETIC):
        return "synthetic"
    path = places.located(text)
    what = places.kind_of(path)
    if what == "missing":
        raise InputError(f"{path}: no such file or folder; {REMEDY}")
    if what == "file":
        if places.extension(path) in (".yaml", ".yml"):
            return "list"
        raise InputError(f"{path} is a single file without labels; {REMEDY}")
    if Experiment.exists(path):
        return "experiment"
    folders = [entry.name for entry in places.entries(path) if entry.is_folder]
    if is_pair(folders) or labels_beside(path) is not None:
        return "folder"
    raise InputError(f"{path} holds no labelled images{_nearby(path, folders)}; {REMEDY}")


def named(names: Iterable[str], wanted: Iterable[str]) -> list[str]:
    """Return the names that are, but for case, among ``wanted``."""
    return sorted(name for name in names if name.lower() in set(wanted))


def labels_beside(path: str) -> str | None:
    """Return ``…/labels/X`` for ``…/images/X``, or for ``…/images``; ``None`` if there is no such folder."""
    parts = path.split("/")
    for at in reversed(range(len(parts))):
        if parts[at].lower() in IMAGES:
            wanted = [name for name in _folders("/".join(parts[:at]) or "/") if name.lower() in LABELS]
            beside = ["/".join([*parts[:at], name, *parts[at + 1 :]]) for name in wanted]
            found = [folder for folder in beside if places.kind_of(folder) == "folder"]
            return found[0] if len(found) == 1 else None
    return None


def _nearby(path: str, folders: list[str]) -> str:
    """Return where the images may be instead, or what is missing."""
    parent = path.rsplit("/", 1)[0]
    if places.base_name(path).lower() in (*IMAGES, *LABELS) and is_pair(_folders(parent)):
        return f": did you mean {parent}"
    inside = [name for name in sorted(folders) if is_pair(_folders(places.joined(path, name)))]
    if inside:
        return f": did you mean {' or '.join(places.joined(path, name) for name in inside[:3])}"
    images, labels = named(folders, IMAGES), named(folders, LABELS)
    if images or labels:
        missing = "labels" if images else "images"
        return f": it has {(images or labels)[0]}, and no folder of {missing} beside it"
    return ""


def _folders(path: str) -> list[str]:
    if path.endswith(".zarr"):
        return []
    return [entry.name for entry in places.entries(path) if entry.is_folder]


def is_pair(folders: Iterable[str]) -> bool:
    """Whether folders of images and of labels are among these names."""
    folders = list(folders)
    return bool(named(folders, IMAGES) and named(folders, LABELS))
