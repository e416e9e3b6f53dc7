"""Instances by YOLOv8n-seg, run fully convolutionally over the whole of a patch."""

from collections.abc import Iterable, Iterator, Sequence
from math import log, pi
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from jaxtyping import Float32, Num
from torch import Tensor, nn

from graticule.core.errors import InputError
from graticule.core.segmenter import Patch, Segmentation, Segmenter, Statistics
from graticule.models.edges import cut_edges, only
from graticule.models.learned.device import (
    WORKER_BYTES,
    Batch,
    resolve_device,
    resolve_dtype,
    run_in_batches,
)
from graticule.models.learned.fitting import MARGIN_PX, resolved
from graticule.models.learned.normalise import measure_frame, normalised
from graticule.models.split import components
from graticule.models.yolo.decode import detections
from graticule.models.yolo.framing import NATIVE_PX, VIEW_PX, Framing, context_px, framed
from graticule.models.yolo.library import check_installed
from graticule.models.yolo.masks import masks
from graticule.models.yolo.network import COEFFICIENTS, PROTOTYPE_PX, YoloOutput
from graticule.models.yolo.options import YoloOptions
from graticule.models.yolo.painting import Painting, paint
from graticule.models.yolo.pieces import in_pieces


class Yolo(Segmenter):
    """Detects particles and draws each from the prototypes of masks.

    The network is loaded when the first patch comes, in the process that segments; it does
    not travel when the segmenter is pickled.

    Args:
        options: What "auto" is where it was not resolved stands in its base class.
        network: To be used instead of the weights that the options name, until pickled.

    Raises:
        ConfigError: If ultralytics is not installed.
    """

    name = "yolov8n-seg"
    Options: ClassVar[type[YoloOptions]] = YoloOptions
    native_size = NATIVE_PX
    default_view_px = VIEW_PX
    keeps_state = True
    memory_bytes = WORKER_BYTES

    def __init__(self, options: YoloOptions, network: nn.Module | None = None) -> None:
        check_installed()
        self.options = options
        self.dark = options.polarity != "bright"
        self.zoom = NATIVE_PX / (self.default_view_px if options.view_px == "auto" else options.view_px)
        self.margin = MARGIN_PX if options.margin_px == "auto" else int(options.margin_px)
        self.context = context_px(margin=self.margin)
        self._network = network
        self._batch: Batch | None = None

    @classmethod
    def adapted(cls, options: YoloOptions, frames: Iterable[Num[np.ndarray, "y x"]]) -> YoloOptions:
        """Return ``options`` with every "auto" that shapes the result resolved to fit a movie.

        Frames smaller than 450 px are enlarged to 512, as in the paper. Device, dtype and batch
        are left to the machine that segments.
        """
        return resolved(cls.name, options, frames, default_view_px=cls.default_view_px)

    def measure(self, frame: Num[np.ndarray, "y x"]) -> Statistics:
        """Return the frame's range of grey levels (see :mod:`graticule.models.learned.normalise`)."""
        return measure_frame(frame)

    def segment(self, patch: Patch, statistics: Sequence[Statistics]) -> Segmentation:
        """Segment a patch, frame by frame; one too large for a single look piece by piece.

        Raises:
            ConfigError: If ultralytics is missing, or this machine lacks the device or the memory.
            InputError: If the weights cannot be had, or the network answers with NaN.
        """
        return in_pieces(self, self._segment, patch, statistics)

    def _segment(self, patch: Patch, statistics: Sequence[Statistics]) -> Segmentation:
        labels = np.zeros(patch.pixels.shape, np.uint32)
        foreground = np.zeros(patch.pixels.shape, np.float32)
        cut = cut_edges(patch)
        for t, view in self._views(patch, statistics):
            painted = self._painted(view)
            found = painted.labels[patch.trusted]
            if not self.options.split:
                found = components(found > 0)
            labels[(t, *patch.trusted)] = only(found, np.bincount(found.ravel()) >= self._least_area, cut)
            foreground[(t, *patch.trusted)] = painted.foreground[patch.trusted]
        return Segmentation(labels=labels, foreground=foreground)

    def logits(self, patch: Patch, statistics: Sequence[Statistics]) -> "Iterator[tuple[int, View]]":
        """Yield, for each frame that can be segmented, its number and what the network says of it."""
        return self._views(patch, statistics)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_network": None, "_batch": None}

    @property
    def network(self) -> nn.Module:
        """The network, on its device, ready to answer; loaded when first asked for.

        Raises:
            ConfigError: If this machine lacks the device, or ultralytics.
            InputError: If the weights cannot be had, or are another network's.
        """
        if self._batch is None:
            device = resolve_device(self.options.device)
            self._network = (self._network or self._loaded()).eval().to(device)
            self._batch = Batch.of(self.options.batch, device)
        assert self._network is not None
        return self._network

    def network_in_memory(self) -> nn.Module:
        """Return the network, loaded if need be, for another segmenter to use as well."""
        return self.network

    @property
    def _least_area(self) -> float:
        least = self.options.min_diameter_px
        return 1.0 if least == "auto" else max(1.0, pi / 4 * least**2)

    def _loaded(self) -> nn.Module:
        from graticule.models.weights import load_network

        return load_network(self.name, self.options.weights, sha256=self.options.weights_sha256)

    def _views(self, patch: Patch, statistics: Sequence[Statistics]) -> "Iterator[tuple[int, View]]":
        todo = [t for t, measured in enumerate(statistics) if not measured["empty"]]
        if not todo:
            return
        framing = Framing.of(patch.pixels.shape[1:], zoom=self.zoom)
        images = (framed(normalised(patch.pixels[t], statistics[t], dark=self.dark), framing) for t in todo)
        for t, answer in zip(todo, self._run(images), strict=True):
            if not torch.isfinite(answer).all():
                raise InputError(
                    f"{self.name} answered with NaN or infinity; check its weights"
                    f" {self.options.weights}, or take dtype float32"
                )
            yield t, View(framing, _unpacked(answer, framing))

    def _run(self, images: Iterable[Tensor]) -> Iterator[Tensor]:
        network = self.network
        assert self._batch is not None
        device = next(network.parameters()).device
        return run_in_batches(
            lambda batch: _packed(network(batch.expand(-1, 3, -1, -1))),
            images,
            batch=self._batch,
            device=device,
            dtype=resolve_dtype(self.options.dtype, device),
        )

    def _painted(self, view: "View") -> Painting:
        framing, (predictions, prototypes) = view
        found = detections(predictions[0], confidence=self.options.confidence, overlap=self.options.overlap)
        probability = self.options.probability
        drawn = masks(
            framing.seen(found),
            prototypes[0].numpy(),
            framing.shape,
            cell_px=framing.cell_px,
            level=log(probability / (1 - probability)),
        )
        return paint(drawn, framing.shape)


class View(NamedTuple):
    """What the network says of one image, and how that lies on the patch."""

    framing: Framing
    output: YoloOutput


def _packed(output: YoloOutput) -> Float32[Tensor, "b all"]:
    return torch.cat([output.predictions.flatten(1), output.prototypes.float().flatten(1)], dim=1)


def _unpacked(answer: Float32[Tensor, " all"], framing: Framing) -> YoloOutput:
    height, width = (edge // PROTOTYPE_PX for edge in framing.padded)
    last = answer.numel() - COEFFICIENTS * height * width
    predictions, prototypes = answer[:last], answer[last:]
    return YoloOutput(predictions.view(1, -1, framing.cells), prototypes.view(1, COEFFICIENTS, height, width))
