"""Fit the options of a segmenter with a network to a movie, without any labels."""

from collections.abc import Iterable
from itertools import chain, islice
from math import ceil
from typing import Any, TypeVar

import numpy as np
from jaxtyping import Num

from graticule.models.adapting import fit
from graticule.models.learned.options import LearnedOptions
from graticule.models.learned.views import GRID, overlap_of
from graticule.tiling.windows import BAND

MARGIN_PX = 64
"""Where nobody has fitted it to the particles."""
WHOLE = 1.25
"""Scaling a frame down by so much costs little; four views of it cost four times as much."""
MAGNIFIED = 1.5
"""Most that a small frame is magnified beyond the default view: noise magnified looks like particles."""
Options = TypeVar("Options", bound=LearnedOptions)


def resolved(
    name: str, options: Options, frames: Iterable[Num[np.ndarray, "y x"]], *, default_view_px: int
) -> Options:
    """Return ``options`` with every "auto" that shapes the result resolved to fit a movie.

    Args:
        name: The network's.
        options: What the user asked for.
        frames: A few frames of the movie; only looked at where something depends on them.
        default_view_px: See :func:`fitting_view`.

    Raises:
        InputError: If the weights are not to be had.
    """
    found: dict[str, Any] = {}
    if options.weights_sha256 is None:
        from graticule.models.weights import weights_sha256

        found["weights_sha256"] = weights_sha256(name, options.weights)
    asked = {"view_px", "polarity", "min_diameter_px", "margin_px"}
    undecided = {field for field in asked if getattr(options, field) == "auto"}
    if undecided:
        seen = iter(frames)
        first = list(islice(seen, 1))
        found["view_px"] = fitting_view(first[0].shape, default_view_px) if first else default_view_px
        if undecided != {"view_px"}:
            known = None if options.polarity == "auto" else options.polarity
            fitted = fit(chain(first, seen), polarity=known)
            found.update({field: getattr(fitted, field) for field in asked - {"view_px"}})
    return options.model_copy(update={k: v for k, v in found.items() if k in {*undecided, "weights_sha256"}})


def fitting_view(shape: tuple[int, ...], default_view_px: int, *, magnified: float = MAGNIFIED) -> int:
    """Return the edge in pixels of the views for frames of ``shape``.

    A frame no larger than :data:`WHOLE` times the network's default view is seen whole, as
    in the paper; of larger ones, views of that edge; of small ones, a view that is filled up
    with their mirror images. All are scaled to the network's native size.
    """
    edge = max(ceil(default_view_px / magnified), *shape)
    return edge if edge <= WHOLE * default_view_px else default_view_px


def context_px(*, view_px: int, margin: int) -> int:
    """Return how many pixels at a cut edge not to trust, since views there end.

    As many as neighbouring views overlap by, and so many more that the corner of what a
    window reads lies on the :data:`graticule.models.learned.views.GRID` of the frame
    whenever that of what it writes does.
    """
    around = margin + BAND + 1
    return -(-(around + overlap_of(view_px)) // GRID) * GRID - around
