"""One entrant's work in parts: images shared out, speed and memory measured alone."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from graticule.training.comparison.measure import Measured, Work
from graticule.training.comparison.scores import ImageScores

TIMED = 12
"""Images of each data set by which speed and memory are measured."""


def shards_of(work: Work, count: int) -> list[Work]:
    """Return the work in at most so many parts of about as many images each.

    Images of a data set stay together as far as they can: each part fits the segmenter's
    options to the data sets that it has images of.
    """
    each = [(number, place) for number, places in enumerate(work.of_each_set()) for place in places]
    cuts = np.linspace(0, len(each), min(count, len(each)) + 1).round().astype(int).tolist()
    return [_with(work, each[first:last]) for first, last in pairwise(cuts)]


def timing_of(work: Work) -> Work:
    """Return the work that tells speed and memory, of images evenly spaced over each data set."""
    places = tuple(
        tuple(np.unique(np.linspace(0, len(there) - 1, min(TIMED, len(there))).round().astype(int)).tolist())
        for there in work.of_each_set()
    )
    return replace(work, places=places, scored=False, keep=None)


def together(parts: Sequence[Measured], timed: Measured) -> Measured:
    """Return all parts as one: scores from the shards, speed and memory from the timing."""
    trouble = next((part.trouble for part in (*parts, timed) if part.trouble is not None), None)
    if trouble is not None:
        return Measured(entrant=timed.entrant, trouble=trouble)
    scores = [
        _images([part.scores[number] for part in parts], images) for number, images in enumerate(timed.scores)
    ]
    return replace(timed, scores=tuple(scores))


def _images(parts: Sequence[Sequence[ImageScores]], timed: Sequence[ImageScores]) -> tuple[ImageScores, ...]:
    seconds = {image.place: image.seconds for image in timed}
    scored = sorted((image for part in parts for image in part), key=lambda image: image.place)
    return tuple(replace(image, seconds=seconds.get(image.place)) for image in scored)


def _with(work: Work, each: Sequence[tuple[int, int]]) -> Work:
    places = tuple(tuple(place for number, place in each if number == mine) for mine in range(len(work.sets)))
    return replace(work, places=places)
