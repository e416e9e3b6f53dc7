"""How good a network is on images held out: found by the segmenter that will use it."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32, Int32, Integer, UInt8
from torch import nn

from graticule.core.registry import look_up
from graticule.core.segmenter import Patch, Segmenter
from graticule.core.window import whole
from graticule.evaluation.instances import InstanceScores, mean_scores, score_instances
from graticule.evaluation.masks import dice, iou
from graticule.models.learned.fitting import fitting_view
from graticule.models.registry import SEGMENTERS
from graticule.report.pen import painted
from graticule.training.examples import Example, Source
from graticule.training.loop import SCORE
from graticule.training.recipe import Recipe

Picture = UInt8[np.ndarray, "y x 3"]


def title_of(source: Source, index: int) -> str:
    """Return what an example held out is called: its source, and its own name there."""
    return f"{source.name}: {getattr(source, 'title', source.group)(index)}"


def side_by_side(image: Float32[np.ndarray, "y x"], *labels: Integer[np.ndarray, "y x"]) -> list[Picture]:
    """Return an image as it is, and then once with each of the labels on it."""
    grey = np.round(image * 255).astype(np.uint8)
    return [painted(grey, shown.astype(np.uint32)) for shown in (np.zeros(image.shape, np.uint32), *labels)]


class AbstractScored(ABC):
    """What a network found in one example held out, and how good that is."""

    name: str
    """Of the source and its example."""

    @abstractmethod
    def figures(self) -> Mapping[str, float]:
        """Return its metrics by name."""

    @abstractmethod
    def pictures(self) -> list[Picture]:
        """Return what there was to be seen, the truth, what was found."""


class AbstractValidation(ABC):
    """Scores a network on the same examples each time."""

    def __call__(self, network: nn.Module) -> Mapping[str, float]:
        """Return the mean metrics of a network in evaluation mode, ``score`` among them."""
        return self.summary(list(self.each(network)))

    @abstractmethod
    def each(self, network: nn.Module) -> Iterator[AbstractScored]:
        """Yield what a network finds in the examples.

        Raises:
            InputError: If one cannot be read, or the network answers with NaN.
        """

    @abstractmethod
    def summary(self, scored: Sequence[Any]) -> dict[str, float]:
        """Return the mean metrics of what :meth:`each` gave; none of nothing."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Scored(AbstractScored):
    """What a network found in one image held out.

    Attributes:
        name: Of the source and its example.
        example: The image and its truth.
        labels: What was found.
        iou: Of the foreground.
        dice: Of the foreground.
        instances: ``None`` where touching particles are not told apart in the truth.
    """

    name: str
    example: Example
    labels: Int32[np.ndarray, "y x"]
    iou: float
    dice: float
    instances: InstanceScores | None

    @property
    def score(self) -> float:
        """AP50 where particles are told apart, else the foreground's IoU."""
        return self.iou if self.instances is None else self.instances.average_precision

    def figures(self) -> Mapping[str, float]:
        """Return its metrics by name; of instances where they are told apart."""
        known = self.instances
        instances = {} if known is None else {"ap50": known.average_precision, "f1": known.f1}
        return {"iou": self.iou, "dice": self.dice, **instances}

    def pictures(self) -> list[Picture]:
        """Return the image, the truth, what was found."""
        return side_by_side(self.example.image, self.example.labels, self.labels)


class Validation(AbstractValidation):
    """Scores a network on the same images each time.

    Args:
        sources: Where the images come from.
        held: Of each source, its examples.
        recipe: Of the network.
        device: Where the network runs.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        held: Sequence[Sequence[int]],
        recipe: Recipe,
        *,
        device: torch.device,
    ) -> None:
        self.recipe, self.device = recipe, device
        self._where = [(source, i) for source, held_ in zip(sources, held, strict=True) for i in held_]
        self._examples: dict[int, Example] = {}

    def __len__(self) -> int:
        return len(self._where)

    def summary(self, scored: Sequence[Scored]) -> dict[str, float]:
        """Return the means over images; those of instances over images where they are told apart."""
        return summary(scored)

    def each(self, network: nn.Module) -> Iterator[Scored]:
        """Yield what a network finds in the images.

        Raises:
            InputError: If an image cannot be read, or the network answers with NaN.
        """
        for number, (source, index) in enumerate(self._where):
            example = self._example(number)
            found = self._found(network, example)
            yield Scored(
                name=title_of(source, index),
                example=example,
                labels=found,
                iou=iou(found > 0, example.labels > 0),
                dice=dice(found > 0, example.labels > 0),
                instances=score_instances(found, example.labels) if example.parted else None,
            )

    def _example(self, number: int) -> Example:
        if number not in self._examples:
            source, index = self._where[number]
            self._examples[number] = source.load(index)
        return self._examples[number]

    def _found(self, network: nn.Module, example: Example) -> Int32[np.ndarray, "y x"]:
        segmenter = _segmenter(self.recipe, network, example, self.device)
        # The image is normalised already: its levels must not be stretched again.
        measured = {**segmenter.measure(example.image), "low": 0.0, "high": 1.0}
        patch = Patch(pixels=example.image[None], trusted=whole(example.image.shape))
        return np.asarray(segmenter.segment(patch, [measured]).labels[0], np.int32)


def summary(scored: Sequence[Scored]) -> dict[str, float]:
    """Return the means over images; those of instances over images where they are told apart."""
    if not scored:
        return {}
    instances = mean_scores(one.instances for one in scored if one.instances is not None)
    names = {"average_precision": "ap50", "f1": "f1", "count_error": "count_error"}
    return {
        "iou": float(np.mean([one.iou for one in scored])),
        "dice": float(np.mean([one.dice for one in scored])),
        **{ours: instances[theirs] for theirs, ours in names.items() if theirs in instances},
        SCORE: float(np.mean([one.score for one in scored])),
    }


def _segmenter(recipe: Recipe, network: nn.Module, example: Example, device: torch.device) -> Segmenter:
    kind: Any = look_up("segmenter", SEGMENTERS, recipe.network)
    options = kind.Options(
        device=str(device),
        polarity="dark",
        view_px=fitting_view(example.image.shape, kind.default_view_px),
        **_mode(recipe),
    )
    made: Segmenter = kind(options, network=network)
    return made


def _mode(recipe: Recipe) -> dict[str, Any]:
    if recipe.network != "efficient-sam-ti":
        return {}
    if recipe.task == "prompted":
        return {"mode": "automatic", "prompts": "grid", "points_per_side": 8}
    return {"mode": "semantic"}
