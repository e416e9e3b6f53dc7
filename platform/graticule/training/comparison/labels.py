"""The labels that an entrant gave the images, kept for the figures: ``KEEP/<set>-<place>.npz``."""

from pathlib import Path

import numpy as np
from jaxtyping import Integer


def keep_labels(keep: Path, labels: Integer[np.ndarray, "y x"], *, number: int, place: int) -> None:
    """Write the labels of one image of a data set."""
    np.savez_compressed(keep / f"{number}-{place}.npz", labels=labels)


def kept_labels(keep: Path, *, number: int, place: int) -> Integer[np.ndarray, "y x"]:
    """Return the labels that an entrant gave an image."""
    with np.load(keep / f"{number}-{place}.npz", allow_pickle=False) as file:  # noqa: TID251
        labels: np.ndarray = file["labels"]
    return labels


def packed(keep: Path) -> dict[str, bytes]:
    """Return all labels of a folder, by file name, as they travel from worker to driver."""
    return {path.name: path.read_bytes() for path in sorted(keep.iterdir())}


def unpack(keep: Path, files: dict[str, bytes]) -> None:
    """Write what :func:`packed` gave."""
    for name, content in files.items():
        (keep / name).write_bytes(content)
