"""What MLflow runs to build a registered tracker from its weights: this file is kept beside them.

"Models from code", as for segmenters (:mod:`graticule.training.served_model`).
"""

from typing import Any

import numpy as np
from jaxtyping import UInt32
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel

from graticule import tracking
from graticule.core.errors import InputError
from graticule.tracking.whole import painted, track

TRACKER = "deaot"
"""The tracker whose networks are registered."""


class ServedTracker(PythonModel):
    """Grey frames and the instances in them -> the same instances, each with the id of its track."""

    def load_context(self, context: Any) -> None:
        """Take note of the weights; they are loaded with the first movie."""
        config = context.model_config
        self.options: dict[str, Any] = {
            **config["options"],
            "weights": context.artifacts["weights"],
            "weights_sha256": config["sha256"],
        }

    def predict(
        self, context: Any, model_input: np.ndarray, params: Any = None
    ) -> UInt32[np.ndarray, "t y x"]:
        """Return track ids, uint32; 0 is background.

        Args:
            context: MLflow's; not used.
            model_input: A stack (2, t, y, x) of numbers: grey frames of a movie, and their instance labels.
            params: None are known.

        Raises:
            InputError: If it is no such stack.
        """
        stack = np.asarray(model_input)
        if stack.ndim != 4 or len(stack) != 2 or not stack.size or stack.dtype.kind not in "iuf":
            raise InputError(
                f"an array of {stack.dtype}, of shape {stack.shape}, is given; give frames and their instance"
                " labels as one stack (2, t, y, x) of numbers"
            )
        labels = stack[1]
        if labels.min() < 0 or not np.array_equal(labels, np.rint(labels)):
            raise InputError("instance labels must be whole numbers from 0")
        labels = labels.astype(np.uint32)
        return painted(labels, track(tracking.create(TRACKER, **self.options), stack[0], labels))


set_model(ServedTracker())
