"""A loaded model, and what it does with images and prompts. Nothing here knows of a server."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal

import numpy as np
from jaxtyping import Bool, Float32, Num, UInt32

from graticule import models
from graticule.core.errors import GraticuleError
from graticule.core.segmenter import Patch, Segmenter, Statistics
from graticule.core.window import relative, whole
from graticule.models.registry import WITHOUT_NETWORK
from graticule.pipeline.segment import fitting_tile
from graticule.tiling import numbered_in_raster_order, part_of, patches_of, stitch
from serve.contract import Prompts
from serve.deadline import Deadline
from serve.found import Asked, Labelled, Prompted
from serve.naming import ModelKey
from serve.problems import Problem, problem_of

Polarity = Literal["auto", "dark", "bright"]
_MOST_MASK_BYTES = 2**28
"""Of one answer to prompts, before it is drawn."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Prepared:
    """An image with the options that fit it: all that can be done without the network."""

    pixels: Num[np.ndarray, "y x"]
    options: dict[str, Any]
    statistics: Statistics
    deadline: Deadline
    alone: bool

    @property
    def kind(self) -> tuple[object, ...]:
        """Images of one kind can go through a network together."""
        if self.alone:
            return (id(self),)
        return (
            self.pixels.shape,
            str(self.pixels.dtype),
            *(self.options.get(k) for k in ("view_px", "polarity")),
        )


class Model:
    """A segmenter whose network is loaded once, for images that differ in the options that fit them.

    Raises:
        ConfigError: If there is no such network, or it has no such weights.
        InputError: If the weights cannot be had, or are damaged.
    """

    def __init__(self, key: ModelKey) -> None:
        self.key = key
        self._learned = key.network not in WITHOUT_NETWORK
        self._options: dict[str, Any] = {}
        self._loaded: Segmenter | None = None
        if self._learned:
            self._options = models.pinned(key.network, {"weights": key.weights})
            self._loaded = models.create(key.network, **self._options)
            self._loaded = models.refitted(self._loaded, self._options)  # loads the network now

    def prepare(
        self,
        pixels: Num[np.ndarray, "y x"],
        *,
        polarity: Polarity = "auto",
        deadline: Deadline | None = None,
    ) -> Prepared:
        """Return an image with the options that fit it, as ``graticule segment`` would choose them."""
        options = models.adapt(self.key.network, {**self._options, "polarity": polarity}, [pixels])
        fitted = self._fitted(options)
        return Prepared(
            pixels=pixels,
            options=options,
            statistics=fitted.measure(pixels),
            deadline=deadline or Deadline(),
            alone=not hasattr(fitted, "segment_stills") or max(pixels.shape) > fitting_tile(fitted),
        )

    def segment(self, images: Sequence[Prepared]) -> list[Labelled | Problem]:
        """Return what is in each image, in order; one that fails does not fail the others.

        Images alike go through the network together, unless they are larger than a tile.
        """
        answers: list[Labelled | Problem | None] = [None] * len(images)
        alike = sorted(range(len(images)), key=lambda n: (str(images[n].kind), n))
        for _, group in groupby(alike, key=lambda n: images[n].kind):
            numbers = list(group)
            for number, answer in zip(numbers, self._segment([images[n] for n in numbers]), strict=True):
                answers[number] = answer
        return [answer for answer in answers if answer is not None]

    def embedding(self, pixels: Num[np.ndarray, "y x"], *, polarity: Polarity = "auto") -> Any:
        """Return an image as the network remembers it, for :meth:`prompted`.

        Raises:
            Problem: 422 if the network takes no prompts, or there is nothing to see.
        """
        self._require_prompts()
        try:
            given = {**self._options, "polarity": polarity}
            seen = models.adapt(self.key.network, given, [pixels])["polarity"]
            fitted: Any = self._fitted({**given, "polarity": seen})
            return fitted.embedding(pixels)
        except GraticuleError as error:
            raise problem_of(error) from None

    def prompted(self, image: Any, prompts: Prompts, deadline: Deadline | None = None) -> Prompted:
        """Return what the prompts ask for: points first, then boxes; what has no pixels is left out.

        Raises:
            Problem: 422 if a prompt lies outside of the image, or a box is inside out; 504 if nobody waits.
        """
        self._require_prompts()
        points = [(y, x) for x, y, within in prompts.points if within]
        outside = [(y, x) for x, y, within in prompts.points if not within]
        boxes = [(y0, x0, y1, x1) for x0, y0, x1, y1 in prompts.boxes]
        places = [n for n, point in enumerate(prompts.points) if point[2]]
        asked: list[tuple[str, dict[str, Any]]] = [
            (f"point {place}", {"points": [point]}) for place, point in zip(places, points, strict=True)
        ]
        asked += [(f"box {n}", {"boxes": [box]}) for n, box in enumerate(boxes)]
        try:
            bodies = list(self._bodies(image, asked, outside, deadline or Deadline()))
        except GraticuleError as error:
            raise problem_of(error) from None
        empty = [name for name, body in bodies if body is None]
        notes = (f"nothing was found at {', '.join(empty)}",) if empty else ()
        return Prompted(shape=image.shape, bodies=tuple(b for _, b in bodies if b is not None), notes=notes)

    def _require_prompts(self) -> None:
        if not self.key.takes_prompts:
            raise Problem(
                "cannot-be",
                f"model {self.key.name} takes no prompts; leave them out, or name efficient-sam-ti",
            )

    def _fitted(self, options: dict[str, Any]) -> Segmenter:
        if self._loaded is None:
            return models.create(self.key.network, **options)
        return models.refitted(self._loaded, options)

    def _segment(self, images: Sequence[Prepared]) -> Iterator[Labelled | Problem]:
        fitted = [self._fitted(image.options) for image in images]
        if images[0].alone or len(images) == 1:
            yield from (self._attempt(*one) for one in zip(fitted, images, strict=True))
            return
        waited = [not image.deadline.is_over for image in images]
        answers = iter(self._together([(f, i) for f, i, w in zip(fitted, images, waited, strict=True) if w]))
        yield from (
            next(answers) if still else image.deadline.problem()
            for image, still in zip(images, waited, strict=True)
        )

    def _together(self, some: Sequence[tuple[Segmenter, Prepared]]) -> list[Labelled | Problem]:
        if not some:
            return []
        first: Any = some[0][0]
        frames = np.stack([image.pixels for _, image in some])
        patch = Patch(pixels=frames, trusted=whole(frames.shape[1:]))
        try:
            found = first.segment_stills(
                patch,
                [image.statistics for _, image in some],
                [fitted.options for fitted, _ in some],  # type: ignore[attr-defined]
            )
        except GraticuleError:
            return [self._attempt(*one) for one in some]
        numbered = numbered_in_raster_order(found.labels)
        return [
            _labelled(labels, foreground, image)
            for labels, foreground, (_, image) in zip(numbered, found.foreground, some, strict=True)
        ]

    def _attempt(self, segmenter: Segmenter, image: Prepared) -> Labelled | Problem:
        try:
            labels, foreground = _tiled(segmenter, image)
            return _labelled(labels, foreground, image)
        except Problem as problem:
            return problem
        except GraticuleError as error:
            return problem_of(error)

    def _bodies(
        self,
        image: Any,
        asked: Iterable[tuple[str, dict[str, Any]]],
        outside: Sequence[tuple[float, float]],
        deadline: Deadline,
    ) -> Iterator[tuple[str, Asked | None]]:
        fitted: Any = self._loaded
        held = 0
        for name, prompt in asked:
            deadline.check()
            [answer] = fitted.at(image, **prompt, outside=outside)
            body = _cropped(answer.mask, answer.score, name)
            held += 0 if body is None else body.mask.nbytes
            if held > _MOST_MASK_BYTES:
                raise Problem("cannot-be", f"the masks up to {name} take {held} bytes; ask for fewer at once")
            yield name, body


def _tiled(
    segmenter: Segmenter, image: Prepared
) -> tuple[UInt32[np.ndarray, "1 y x"], Float32[np.ndarray, "y x"]]:
    """Return labels and foreground probability of an image, tile by tile for as long as somebody waits."""
    shape = image.pixels.shape
    foreground = np.zeros(shape, np.float32)
    parts = []
    for window, patch in patches_of(image.pixels[None], segmenter, tile=fitting_tile(segmenter)):
        image.deadline.check()
        found = segmenter.segment(patch, [image.statistics])
        parts.append(part_of(window, found.labels[(slice(None), *patch.trusted)]))
        foreground[window.write] = found.foreground[0][relative(window.write, window.read)]
    return stitch(parts, shape), foreground


def _labelled(labels: np.ndarray, foreground: np.ndarray, image: Prepared) -> Labelled:
    own = np.ascontiguousarray(labels.reshape(image.pixels.shape), np.uint32)
    count = int(own.max(initial=0))
    flat = own.ravel()
    total = np.bincount(flat, foreground.ravel(), minlength=count + 1)[1:]
    area = np.bincount(flat, minlength=count + 1)[1:]
    notes = []
    if image.statistics["empty"]:
        why = (
            "holds NaN or infinity" if image.statistics.get("not_finite") else "has the same value everywhere"
        )
        notes.append(f"the image {why}: nothing can be found in it")
    polarity = image.options.get("polarity")
    return Labelled(
        labels=own,
        scores=np.asarray(total / np.maximum(area, 1), np.float32),
        polarity=polarity if polarity in ("dark", "bright") else None,
        notes=tuple(notes),
    )


def _cropped(mask: Bool[np.ndarray, "y x"], score: float, prompt: str) -> Asked | None:
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return None
    top, left = int(rows[0]), int(columns[0])
    body = mask[top : int(rows[-1]) + 1, left : int(columns[-1]) + 1]
    return Asked(mask=body.copy(), corner=(top, left), score=score, prompt=prompt)
