"""One entrant on images, in the way that ``graticule segment`` would take."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from graticule import models
from graticule.core.errors import InputError
from graticule.core.registry import look_up
from graticule.core.segmenter import Patch, Segmenter
from graticule.core.window import whole
from graticule.models.learned.device import resolve_device
from graticule.models.registry import SEGMENTERS, SHA256, WEIGHTS, WITHOUT_NETWORK
from graticule.training.comparison.apart import Task
from graticule.training.comparison.entrants import Entrant
from graticule.training.comparison.images import ImageSet
from graticule.training.comparison.labels import keep_labels
from graticule.training.comparison.memory import Watch
from graticule.training.comparison.result import CPU, AbstractMeasured, device_name
from graticule.training.comparison.scores import ImageScores, scores_of
from graticule.training.examples import Example


@dataclass(frozen=True, kw_only=True)
class Work(Task["Measured"]):
    """What one entrant has to do; pickles small, and runs where it is called.

    Attributes:
        entrant: Who.
        sets: On what.
        places: Of each set, the images; all by default.
        scored: Whether labels are held against the truth; else it is about speed and memory alone.
        polarity: Of the particles, as given to the segmenter; ``auto`` is as users have it.
        threads: Of torch.
        keep: Folder for the labels (:mod:`.labels`); none are kept without it.
    """

    entrant: Entrant
    sets: tuple[ImageSet, ...]
    places: tuple[tuple[int, ...], ...] | None = None
    scored: bool = True
    polarity: str = "auto"
    threads: int = 1
    keep: Path | None = None

    @property
    def name(self) -> str:
        """The entrant's."""
        return self.entrant.name

    def work(self) -> "Measured":
        """Segment and score the images."""
        return _measured(self)

    def failed(self, trouble: str) -> "Measured":
        """Return a result without scores."""
        return Measured(entrant=self.entrant, trouble=trouble)

    def of_each_set(self) -> tuple[tuple[int, ...], ...]:
        """Return the places of the images in their sets."""
        return self.places or tuple(tuple(range(len(images.indices))) for images in self.sets)


@dataclass(frozen=True, kw_only=True)
class Measured(AbstractMeasured):
    """What came of it.

    Attributes:
        scores: Of each data set, its images; empty if there was trouble.
        resolution_px: Edge of the square that the network was made for.
        parameters: Of the network; 0 without one.
        memory_bytes: That segmenting took above what data and libraries held.
        sha256: Of the weights.
        device: Where it ran.
        options: Of each data set, those of its first image.
        trouble: Why there are no scores.
    """

    entrant: Entrant
    scores: tuple[tuple[ImageScores, ...], ...] = ()
    resolution_px: int | None = None
    parameters: int = 0
    memory_bytes: int | None = None
    sha256: str | None = None
    device: str = CPU
    options: tuple[Mapping[str, Any], ...] = field(default=())
    trouble: str | None = None

    @property
    def name(self) -> str:
        """The entrant's."""
        return self.entrant.name


Execute = Callable[[Sequence[Work]], Iterator[Measured]]
"""Does pieces of work wherever it likes; gives their results in order."""
Made = tuple[Segmenter, Mapping[str, Any]]


def _measured(work: Work) -> Measured:
    torch.set_num_threads(work.threads)
    entrant = work.entrant
    if entrant.network is None:
        raise InputError(f"{entrant.weights} does not say of which network it is; register it with its tag")
    kind = look_up("segmenter", SEGMENTERS, entrant.network)
    learned = entrant.network not in WITHOUT_NETWORK
    device = resolve_device("auto") if learned else torch.device("cpu")
    work.sets[0].example(0)  # what reading takes is not the segmenter's
    watch = Watch(device)
    asked = {"polarity": work.polarity, **_pinned(entrant)}
    network = _network(entrant.network, asked) if learned else None
    of_sets: list[tuple[ImageScores, ...]] = []
    options: list[Mapping[str, Any]] = []
    for number, places in enumerate(work.of_each_set()):
        if places:
            made_for = _fitting(entrant.network, asked, work.sets[number], network)
            options.append(made_for(work.sets[number].example(places[0]))[1])
            of_sets.append(tuple(_each(work, number, places, made_for, watch)))
        else:
            options.append({})
            of_sets.append(())
    return Measured(
        entrant=entrant,
        scores=tuple(of_sets),
        resolution_px=kind.native_size,
        parameters=sum(value.numel() for value in network.parameters()) if network else 0,
        memory_bytes=watch.above(),
        sha256=asked.get(SHA256),
        device=device_name(device),
        options=tuple(options),
    )


def _pinned(entrant: Entrant) -> dict[str, Any]:
    if entrant.weights is None:
        return {}
    assert entrant.network is not None
    return models.pinned(entrant.network, {WEIGHTS: entrant.weights})


def _network(name: str, asked: Mapping[str, Any]) -> nn.Module:
    from graticule.models.weights import load_network

    return load_network(name, asked[WEIGHTS], sha256=asked[SHA256])


def _fitting(
    name: str, asked: Mapping[str, Any], images: ImageSet, network: nn.Module | None
) -> Callable[[Example], Made]:
    """Return what gives the segmenter of an image: the same one, or fitted anew where sizes differ."""
    if images.alike:
        made = _segmenter(name, models.adapt(name, asked, images.samples()), network)
        return lambda example: made
    return lambda example: _segmenter(name, models.adapt(name, asked, [example.image]), network)


def _segmenter(name: str, options: Mapping[str, Any], network: nn.Module | None) -> Made:
    if network is None:
        return models.create(name, **options), options
    kind = look_up("segmenter", SEGMENTERS, name)
    made: Segmenter = kind(kind.Options.model_validate(options), network)
    return made, options


def _each(
    work: Work, number: int, places: Sequence[int], made_for: Callable[[Example], Made], watch: Watch
) -> Iterator[ImageScores]:
    images = work.sets[number]
    for place in places:
        example = images.example(place)
        segmenter, _ = made_for(example)
        with watch.watching():
            if place == places[0]:
                _segmented(segmenter, example.image)  # the first run warms caches up, and does not count
            start = time.perf_counter()
            labels = _segmented(segmenter, example.image)
            seconds = time.perf_counter() - start
        if work.keep is not None:
            keep_labels(work.keep, labels, number=number, place=place)
        yield ImageScores(
            place=place,
            metrics=scores_of(labels, example.labels, parted=example.parted) if work.scored else {},
            seconds=seconds,
            pixels=example.image.size,
        )


def _segmented(segmenter: Segmenter, image: np.ndarray) -> np.ndarray:
    measured = dict(segmenter.measure(image))
    if "low" in measured and not measured["empty"]:
        measured |= {"low": 0.0, "high": 1.0}  # sources have normalised it already, in the same way
    patch = Patch(pixels=image[None], trusted=whole((image.shape[0], image.shape[1])))
    labels: np.ndarray = segmenter.segment(patch, [measured]).labels[0]
    return labels
