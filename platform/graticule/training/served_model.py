"""What MLflow runs to build a registered segmenter from its weights: this file is kept beside them.

"Models from code": no object is pickled. MLflow calls :meth:`ServedSegmenter.load_context` with the
weights' path and a configuration of ``network``, ``sha256`` and ``options`` of the segmenter.
"""

from typing import Any

import numpy as np
from jaxtyping import Num
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel

from graticule import models
from graticule.core.errors import InputError
from graticule.core.segmenter import Segmenter
from graticule.tiling import segment_frames

SAMPLES = 9
"""Images that the segmenter's options are fitted to, evenly over a stack."""
TILE = 2048
_COLOURS = 4


class ServedSegmenter(PythonModel):
    """Grey images -> instance labels."""

    def load_context(self, context: Any) -> None:
        """Take note of the weights; they are loaded with the first image."""
        config = context.model_config
        self.network: str = config["network"]
        self.options: dict[str, Any] = {
            **config["options"],
            "weights": context.artifacts["weights"],
            "weights_sha256": config["sha256"],
        }
        self._last: tuple[dict[str, Any], Segmenter] | None = None

    def predict(self, context: Any, model_input: np.ndarray, params: Any = None) -> np.ndarray:
        """Return instance labels, uint32, of the shape of the input; 0 is background.

        Args:
            context: MLflow's; not used.
            model_input: One image (y, x) or a stack (t, y, x) of grey levels: integers or
                floats, in any unit. Options called "auto" are fitted to a stack as a whole.
            params: None are known.

        Raises:
            InputError: If it is no grey image or stack of numbers.
        """
        frames = grey_frames(model_input)
        labels = segment_frames(segmenter := self._segmenter(frames), frames, tile=_tile(segmenter))
        return labels[0] if np.ndim(model_input) == 2 else labels

    def _segmenter(self, frames: Num[np.ndarray, "t y x"]) -> Segmenter:
        """Return the segmenter fitted to a stack; the last one is kept, since it holds the network."""
        chosen = np.unique(np.linspace(0, len(frames) - 1, SAMPLES).round().astype(int))
        options = models.adapt(self.network, self.options, (frames[index] for index in chosen))
        if self._last is None or self._last[0] != options:
            self._last = options, models.create(self.network, **options)
        return self._last[1]


def grey_frames(given: Any) -> Num[np.ndarray, "t y x"]:
    """Return a stack of grey frames from an image, a stack, or lists of numbers.

    Raises:
        InputError: If it is none of these.
    """
    array = np.asarray(given)
    if array.dtype == object:
        try:
            array = np.array(array.tolist(), float)
        except (TypeError, ValueError):
            raise InputError("images of one stack must be of the same size, and hold numbers") from None
    if array.dtype.kind not in "iuf":
        raise InputError(f"an image of {array.dtype} is given; give numbers")
    if array.ndim == 3 and array.shape[-1] <= _COLOURS < min(array.shape[:2]):
        raise InputError(f"an image of shape {array.shape} looks coloured; give grey levels")
    if array.ndim not in (2, 3) or not array.size:
        raise InputError(f"{array.shape} is no shape of an image (y, x) or a stack (t, y, x)")
    return array if array.ndim == 3 else array[None]


def _tile(segmenter: Segmenter) -> int:
    return max(TILE, 4 * (segmenter.context + segmenter.margin))


set_model(ServedSegmenter())
