"""Discs, drawn as labelled examples."""

import numpy as np

from graticule.training.examples import Example


def discs(shape, *wanted):
    """Return labels of discs, each given by row, column and radius; pixel edges are integers."""
    y, x = np.mgrid[: shape[0], : shape[1]] + 0.5
    labels = np.zeros(shape, np.int32)
    for number, (row, column, radius) in enumerate(wanted, start=1):
        labels[np.hypot(y - row, x - column) <= radius] = number
    return labels


def example_of(labels, *, parted=True):
    """Return an example whose particles are dark on a bright ground."""
    image = np.where(labels > 0, 0.15, 0.85).astype(np.float32)
    return Example(image=image, labels=np.ascontiguousarray(labels, np.int32), parted=parted)


def scattered(seed, shape=(200, 240), *, count=30):
    """Return an example of discs of many sizes that lie apart, under a little noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: shape[0], : shape[1]] + 0.5
    labels = np.zeros(shape, np.int32)
    for _ in range(count):
        row, column, radius = rng.uniform(0, shape[0]), rng.uniform(0, shape[1]), rng.uniform(3, 12)
        away = np.hypot(y - row, x - column)
        if not labels[away <= radius + 2].any():
            labels[away <= radius] = labels.max() + 1
    example = example_of(labels)
    noisy = example.image + rng.normal(0, 0.04, shape)
    return Example(image=np.clip(noisy, 0, 1).astype(np.float32), labels=labels, parted=True)
