"""EfficientSAM as a segmenter: asked for each particle, or tuned to one foreground mask."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Int32, Num
from torch import nn

from graticule.core.errors import InputError
from graticule.core.segmenter import Patch, Segmentation, Segmenter, Statistics
from graticule.models.efficient_sam import ARCHITECTURE
from graticule.models.efficient_sam.automatic.candidate import Candidate
from graticule.models.efficient_sam.automatic.fitting import concrete, fitted
from graticule.models.efficient_sam.automatic.labels import drawn
from graticule.models.efficient_sam.automatic.machine import Machine
from graticule.models.efficient_sam.automatic.options import EfficientSamOptions
from graticule.models.efficient_sam.automatic.plan import (
    Task,
    grid_prompts,
    lattices,
    proposal_prompts,
    tasks,
)
from graticule.models.efficient_sam.automatic.prompted import (
    BoxPrompt,
    Embedded,
    Point,
    PromptedMask,
    check_prompts,
    masks_at,
    single_scene,
)
from graticule.models.efficient_sam.automatic.select import Criteria
from graticule.models.learned.device import WORKER_BYTES
from graticule.models.learned.normalise import normalised
from graticule.models.learned.options import LearnedOptions
from graticule.models.learned.semantic import SemanticSegmenter
from graticule.models.learned.views import cover, cut
from graticule.models.threshold import Threshold

LEAST_EDGE = 16
_DETECTOR = "detector_"


class SemanticSam(SemanticSegmenter):
    """EfficientSAM asked for one foreground mask; also keeps the network for :class:`EfficientSam`."""

    name = "efficient-sam-ti"
    native_size = ARCHITECTURE.native_size
    default_view_px = ARCHITECTURE.default_view_px


class EfficientSam(Segmenter):
    """Segments with EfficientSAM-Ti, in one of two modes.

    *Automatic*: each view is embedded once and asked with many prompts; of the masks the good
    ones are kept, of those alike one, and they are drawn at full size. *Semantic*: one
    foreground mask, parted like that of any other network; for weights tuned to it.

    Args:
        options: What "auto" is where it was not resolved stands in :class:`LearnedOptions`; the
            detector then is a plain threshold.
        network: To be used instead of the weights that the options name, until pickled.
    """

    name = "efficient-sam-ti"
    Options: ClassVar[type[LearnedOptions]] = EfficientSamOptions
    native_size = ARCHITECTURE.native_size
    default_view_px = ARCHITECTURE.default_view_px
    keeps_state = True
    memory_bytes = WORKER_BYTES

    def __init__(self, options: EfficientSamOptions, network: nn.Module | None = None) -> None:
        self.options = concrete(options, getattr(network, "config", None))
        self._semantic = SemanticSam(options, network)
        self._detector = Threshold(self.options.detector)
        self.view_px = self._semantic.view_px
        self.margin, self.context = self._semantic.margin, self._semantic.context
        self._machine: Machine | None = None

    @classmethod
    def adapted(
        cls, options: EfficientSamOptions, frames: Iterable[Num[np.ndarray, "y x"]]
    ) -> EfficientSamOptions:
        """Return ``options`` with every "auto" that shapes the result resolved to fit a movie."""
        return fitted(cls.name, options, frames, default_view_px=cls.default_view_px)

    def measure(self, frame: Num[np.ndarray, "y x"]) -> Statistics:
        """Return the frame's range of grey levels, and what the detector must know of it."""
        measured = self._semantic.measure(frame)
        if measured["empty"] or not self._proposes:
            return measured
        detected = self._detector.measure(frame)
        return {**measured, **{_DETECTOR + name: value for name, value in detected.items()}}

    def segment(self, patch: Patch, statistics: Sequence[Statistics]) -> Segmentation:
        """Segment a patch, frame by frame.

        Raises:
            ConfigError: If this machine lacks the device, or its memory is too small.
            InputError: If the weights cannot be had, or the network answers with NaN.
        """
        if self.options.mode == "semantic":
            return self._semantic.segment(patch, statistics)
        labels = np.zeros(patch.pixels.shape, np.uint32)
        foreground = np.zeros(patch.pixels.shape, np.float32)
        for t, candidates in self._candidates(patch, statistics).items():
            found, probability = drawn(
                candidates,
                patch,
                split=self.options.split,
                min_diameter_px=self._min_diameter_px,
            )
            labels[(t, *patch.trusted)] = found
            foreground[(t, *patch.trusted)] = probability
        return Segmentation(labels=labels, foreground=foreground)

    def embedding(self, image: Num[np.ndarray, "y x"]) -> Embedded:
        """Return what :meth:`at` needs of an image; it can be kept and asked many times.

        Raises:
            InputError: If there is nothing to see in the image.
        """
        measured = self._semantic.measure(image)
        if measured["empty"]:
            reason = (
                "holds NaN or infinity" if measured.get("not_finite") else "has the same value everywhere"
            )
            raise InputError(f"the image of {image.shape} pixels {reason}; give one that shows something")
        views = cover(image.shape, edge=max(LEAST_EDGE, *image.shape))
        [view] = cut(normalised(image, measured, dark=self._semantic.dark), views)
        [features] = self.machine.embeddings([torch.tensor(view)[None]])
        scene = single_scene(image.shape, edge=views.edge, native=self._semantic.native_size)
        return Embedded(features=features, scene=scene, shape=image.shape)

    def at(
        self,
        image: Embedded,
        *,
        points: Sequence[Point] = (),
        boxes: Sequence[BoxPrompt] = (),
        outside: Sequence[Point] = (),
    ) -> list[PromptedMask]:
        """Return a mask for each point (y, x), then one for each box (y0, x0, y1, x1), in image pixels.

        Args:
            image: What :meth:`embedding` gave.
            points: To lie in the particle that each asks for.
            boxes: Around the particle that each asks for.
            outside: Points that lie in none of them. The network was taught no such prompts, so of its
                answers the best is taken that holds none; a mask without pixels if there is none.

        Raises:
            ConfigError: If a prompt lies outside of the image, or a box is inside out.
        """
        check_prompts(image.shape, [*points, *outside], boxes)
        machine = self.machine
        with machine.precision():
            return masks_at(
                machine.network,  # type: ignore[arg-type]
                image,
                points=points,
                boxes=boxes,
                outside=outside,
                device=machine.device,
                chunk=machine.chunk,
            )

    def prompted(
        self,
        image: Num[np.ndarray, "y x"],
        *,
        points: Sequence[Point] = (),
        boxes: Sequence[BoxPrompt] = (),
    ) -> list[PromptedMask]:
        """Return a mask for each point and each box of an image: :meth:`embedding`, then :meth:`at`."""
        check_prompts(image.shape, points, boxes)
        return self.at(self.embedding(image), points=points, boxes=boxes)

    @property
    def machine(self) -> Machine:
        """The network on its device; loaded when first asked for.

        Raises:
            ConfigError: If this machine lacks the device.
            InputError: If the weights cannot be had, or are another network's.
        """
        if self._machine is None:
            self._machine = Machine(
                *self._semantic.ready(),
                dtype=self.options.dtype,
                chunk=self.options.chunk,
                native_size=self._semantic.native_size,
            )
        return self._machine

    def network_in_memory(self) -> nn.Module:
        """Return the network, loaded if need be, for another segmenter to use as well."""
        return self._semantic.network_in_memory()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_machine": None}

    @property
    def _proposes(self) -> bool:
        return self.options.mode == "automatic" and self.options.prompts == "proposals"

    @property
    def _min_diameter_px(self) -> float:
        return 0.0 if self.options.min_diameter_px == "auto" else float(self.options.min_diameter_px)

    def _candidates(self, patch: Patch, statistics: Sequence[Statistics]) -> dict[int, list[Candidate]]:
        """Return the candidates of each frame for which there are any."""
        work = self._tasks(patch, statistics)
        first = next(work, None)
        if first is None:
            return {}
        criteria = Criteria(
            predicted_iou=self.options.predicted_iou,
            stability=self.options.stability,
            min_diameter_px=self._min_diameter_px,
        )
        found: dict[int, list[Candidate]] = {}
        work = chain([first], work)
        for t, candidates in self.machine.candidates(work, criteria):
            found.setdefault(t, []).extend(candidates)
        return found

    def _tasks(self, patch: Patch, statistics: Sequence[Statistics]) -> Iterator[tuple[int, Task]]:
        shape = patch.pixels.shape[1:]
        views = cover(shape, edge=self.view_px)
        where = lattices(views, native=self._semantic.native_size)
        for t, measured in enumerate(statistics):
            if measured["empty"]:
                continue
            image = normalised(patch.pixels[t], measured, dark=self._semantic.dark)
            if self._proposes:
                pieces = self._pieces(patch, t, measured)
                asked = proposal_prompts(where, image, pieces, scale_px=float(self.options.scale_px))
            else:
                asked = grid_prompts(where, shape, per_side=self.options.points_per_side)
            for task in tasks(image, views, where, asked):
                yield t, task

    def _pieces(self, patch: Patch, t: int, measured: Statistics) -> Int32[np.ndarray, "y x"]:
        """Return what the detector finds, all of it that reaches into the trusted box."""
        mine = {k.removeprefix(_DETECTOR): v for k, v in measured.items() if k.startswith(_DETECTOR)}
        pixels = patch.pixels[t : t + 1]
        everywhere = slice(0, pixels.shape[1]), slice(0, pixels.shape[2])
        found = self._detector.segment(Patch(pixels=pixels, trusted=everywhere), [mine]).labels[0]
        seen = np.unique(found[patch.trusted])
        return np.where(np.isin(found, seen), found, 0).astype(np.int32)
