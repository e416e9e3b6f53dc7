"""Folders of images and labels that tests write themselves."""

from pathlib import Path

import numpy as np
from PIL import Image

CIRCLES = ((10, 10, 5), (10, 40, 6), (40, 20, 7))


def circles(*, size=(56, 64), first=1, step=1, value=None):
    """Label image of three discs with ids ``first``, ``first + step`` …, or all of one ``value``."""
    y, x = np.indices(size)
    labels = np.zeros(size, np.uint16)
    for number, (cy, cx, radius) in enumerate(CIRCLES):
        disc = (y - cy) ** 2 + (x - cx) ** 2 <= radius**2
        labels[disc] = value if value is not None else first + step * number
    return labels


def picture(labels, *, seed=0, dark=True):
    """8-bit picture of particles on a grainy background."""
    rng = np.random.default_rng(seed)
    grains = rng.integers(-15, 15, labels.shape) + 30 * np.kron(
        rng.standard_normal((4, 4)), np.ones((labels.shape[0] // 4, labels.shape[1] // 4))
    ).astype(int)
    body = 170 if dark else 90
    shift = (-70 if dark else 70) * (labels > 0)
    return np.clip(body + grains + shift, 0, 255).astype(np.uint8)


def save(path, pixels) -> Path:
    """Write pixels, or a PIL image, or a text."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(pixels, str):
        path.write_text(pixels)
    elif isinstance(pixels, Image.Image):
        pixels.save(path)
    else:
        Image.fromarray(pixels).save(path)
    return path


def data_set(root, count=4, *, labels=None, images="images", masks="labels", dark=True) -> Path:
    """Write ``count`` pairs ``image_K.png`` and ``label_K.png``; return the folder."""
    labels = circles() if labels is None else labels
    for number in range(count):
        save(Path(root, images, f"image_{number}.png"), picture(labels, seed=number, dark=dark))
        save(Path(root, masks, f"label_{number}.png"), labels)
    return Path(root)
