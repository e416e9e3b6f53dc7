"""What a network says about each pixel."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float32
from torch import Tensor


class SemanticOutput(NamedTuple):
    """Foreground logit, and how deep inside its particle a pixel lies, where a network tells.

    ``logit`` (b 1 h w): above 0 where foreground is the likelier.
    ``distance`` (b 1 h w): distance to the outline of the pixel's own particle over the largest
    such distance in that particle, so in 0..1; 0 on background; ``None`` without such a head.
    """

    logit: Tensor
    distance: Tensor | None


class PixelAnswer(NamedTuple):
    """The same for the frames of a patch; frames that cannot be segmented have a logit of -inf."""

    logit: Float32[np.ndarray, "t y x"]
    distance: Float32[np.ndarray, "t y x"] | None
