"""Segmenters whose network answers pixel by pixel: foreground, and perhaps centre distance."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float, Float32, Num
from scipy.special import expit
from torch import Tensor, nn

from graticule.core.errors import InputError
from graticule.core.segmenter import Patch, Segmentation, Segmenter, Statistics
from graticule.models.edges import cut_edges
from graticule.models.learned.device import (
    WORKER_BYTES,
    Batch,
    resolve_device,
    resolve_dtype,
    run_in_batches,
)
from graticule.models.learned.fitting import MARGIN_PX, context_px, resolved
from graticule.models.learned.instances import instances
from graticule.models.learned.normalise import measure_frame, normalised
from graticule.models.learned.options import LearnedOptions
from graticule.models.learned.output import PixelAnswer, SemanticOutput
from graticule.models.learned.views import Cover, blended, cover, cut
from graticule.models.learned.zoom import zoomed


class SemanticSegmenter(Segmenter):
    """Runs a network over views of a patch, blends its answers, and parts the foreground.

    A kind of network is a subclass that says ``name``, ``native_size`` and ``default_view_px``.
    The network is loaded when the first patch comes, in the process that segments; it does not
    travel when the segmenter is pickled. It maps RGB images (b 3 h w) in 0..1 to a
    :class:`SemanticOutput` by its method ``foreground``.

    Args:
        options: What "auto" is where it was not resolved stands in :class:`LearnedOptions`.
        network: To be used instead of the weights that the options name, until pickled.
    """

    Options: ClassVar[type[LearnedOptions]] = LearnedOptions
    native_size: int
    default_view_px: int
    keeps_state = True
    memory_bytes = WORKER_BYTES

    def __init__(self, options: LearnedOptions, network: nn.Module | None = None) -> None:
        self.options = options
        self.dark = options.polarity != "bright"
        self.view_px = self.default_view_px if options.view_px == "auto" else int(options.view_px)
        self.margin = MARGIN_PX if options.margin_px == "auto" else int(options.margin_px)
        self.context = context_px(view_px=self.view_px, margin=self.margin)
        self._network = network
        self._place: tuple[torch.device, Batch] | None = None

    @classmethod
    def adapted(cls, options: LearnedOptions, frames: Iterable[Num[np.ndarray, "y x"]]) -> LearnedOptions:
        """Return ``options`` with every "auto" that shapes the result resolved to fit a movie.

        Device, dtype and batch are left to the machine that segments.
        """
        return resolved(cls.name, options, frames, default_view_px=cls.default_view_px)

    def measure(self, frame: Num[np.ndarray, "y x"]) -> Statistics:
        """Return the frame's range of grey levels (see :mod:`.normalise`)."""
        return measure_frame(frame)

    def segment(self, patch: Patch, statistics: Sequence[Statistics]) -> Segmentation:
        """Segment a patch, frame by frame.

        Raises:
            ConfigError: If this machine lacks the device, or its memory is too small.
            InputError: If the weights cannot be had, or the network answers with NaN.
        """
        return self.segment_stills(patch, statistics, [self.options] * len(statistics))

    def segment_stills(
        self, patch: Patch, statistics: Sequence[Statistics], options: Sequence[LearnedOptions]
    ) -> Segmentation:
        """Segment frames that have nothing to do with each other, in one stream through the network.

        Args:
            patch: The frames, seen as this segmenter's options say (``view_px``, ``polarity``).
            statistics: Of each.
            options: By which the instances of each are drawn.

        Raises:
            See :meth:`segment`.
        """
        labels = np.zeros(patch.pixels.shape, np.uint32)
        foreground = np.zeros(patch.pixels.shape, np.float32)
        edges = cut_edges(patch)
        for t, answer in self._answers(patch, statistics):
            logit, *distance = answer[(slice(None), *patch.trusted)]
            labels[(t, *patch.trusted)] = instances(
                logit,
                distance[0] if distance else None,
                cut=edges,
                probability=options[t].probability,
                split=options[t].split,
                min_diameter_px=_number(options[t].min_diameter_px),
            )
            foreground[(t, *patch.trusted)] = expit(logit)
        return Segmentation(labels=labels, foreground=foreground)

    def logits(self, patch: Patch, statistics: Sequence[Statistics]) -> PixelAnswer:
        """Return the blended answers of the whole patch, from which :meth:`segment` draws instances."""
        logit = np.full(patch.pixels.shape, -np.inf, np.float32)
        distance = None
        for t, answer in self._answers(patch, statistics):
            logit[t] = answer[0]
            if len(answer) > 1:
                distance = np.zeros(patch.pixels.shape, np.float32) if distance is None else distance
                distance[t] = answer[1]
        return PixelAnswer(logit=logit, distance=distance)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_network": None, "_place": None}

    def ready(self) -> tuple[nn.Module, torch.device, Batch]:
        """Return the network on its device, and how many views it takes; loaded when first asked for.

        Raises:
            ConfigError: If this machine lacks the device.
            InputError: If the weights cannot be had, or are another network's.
        """
        if self._network is None or self._place is None:
            device = resolve_device(self.options.device)
            network = self._loaded() if self._network is None else self._network
            self._network = network.eval().to(device)
            self._place = device, Batch.of(self.options.batch, device)
        return self._network, *self._place

    def network_in_memory(self) -> nn.Module:
        """Return the network, loaded if need be, for another segmenter to use as well."""
        return self.ready()[0]

    def _loaded(self) -> nn.Module:
        from graticule.models.weights import load_network

        return load_network(self.name, self.options.weights, sha256=self.options.weights_sha256)

    def _answers(
        self, patch: Patch, statistics: Sequence[Statistics]
    ) -> Iterator[tuple[int, Float32[np.ndarray, "k y x"]]]:
        """Yield each frame that can be segmented with its logit and, if there is one, distance.

        Views of all frames go through the network in one stream, so that batches are full.
        """
        todo = [t for t, measured in enumerate(statistics) if not measured["empty"]]
        if not todo:
            return
        views = cover(patch.pixels.shape[1:], edge=self.view_px)
        stream = self._run(self._views(patch, statistics, todo, views))
        for t in todo:
            answer = blended(islice(stream, len(views.corners)), views)
            if not np.isfinite(answer).all():
                raise InputError(
                    f"{self.name} answered with NaN or infinity; check its weights"
                    f" {self.options.weights}, or take dtype float32"
                )
            yield t, answer

    def _views(
        self, patch: Patch, statistics: Sequence[Statistics], todo: list[int], views: Cover
    ) -> Iterator[Tensor]:
        for t in todo:
            image = normalised(patch.pixels[t], statistics[t], dark=self.dark)
            for view in cut(image, views):
                yield torch.tensor(view)[None]

    def _run(self, images: Iterable[Tensor]) -> Iterator[Float32[np.ndarray, "k e e"]]:
        network, device, batch = self.ready()
        answers = run_in_batches(
            lambda views: self._answer(network, views),
            images,
            batch=batch,
            device=device,
            dtype=resolve_dtype(self.options.dtype, device),
        )
        return (answer.numpy() for answer in answers)

    def _answer(self, network: nn.Module, views: Float[Tensor, "b 1 e e"]) -> Float[Tensor, "b k e e"]:
        images = zoomed(views, self.native_size).expand(-1, 3, -1, -1)
        output: SemanticOutput = network.foreground(images)  # type: ignore[operator]
        channels = [channel.float() for channel in output if channel is not None]
        return zoomed(torch.cat(channels, dim=1), self.view_px)


def _number(value: Any) -> float:
    return 0.0 if value == "auto" else float(value)
