"""The one door to ultralytics: imported late, kept quiet, off the network and out of the home.

By itself the package looks up two hosts, writes ``settings.json`` into the user's home, installs
what it finds missing, sends usage figures, logs to MLflow when it trains, and on import replaces
``torch.save`` and sets environment variables. None of it happens to one who comes in here, and
what is its global state afterwards is as it was before.
"""

import importlib
import os
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from graticule.core.errors import ConfigError

EXTRA = "segmenter yolov8n-seg needs the extra: pip install 'graticule[yolo]' (ultralytics, AGPL-3.0)"
PACKAGES = ("ultralytics", "torchvision")
_QUIET = {
    "YOLO_OFFLINE": "True",
    "YOLO_AUTOINSTALL": "False",
    "YOLO_VERBOSE": "False",
    "ULTRALYTICS_SKIP_REQUIREMENTS_CHECKS": "1",
}
_OFF = ("sync", "clearml", "comet", "dvc", "hub", "mlflow", "neptune", "raytune", "tensorboard", "wandb")


def segmentation_model(classes: int) -> nn.Module:
    """Return ultralytics' YOLOv8n-seg with random weights and its training settings in ``args``.

    Raises:
        ConfigError: If ultralytics is not installed, or cannot be imported.
    """
    tasks = _imported("ultralytics.nn.tasks")
    # Named by its full path, or a file of that name in the working folder would be taken.
    sizes = Path(_imported("ultralytics").__file__).parent / "cfg" / "models" / "v8" / "yolov8n-seg.yaml"
    plan = {**tasks.yaml_model_load(sizes), "nc": classes}
    with torch.device("cpu"):  # it finds out its strides by running, which "meta" cannot
        model: nn.Module = tasks.SegmentationModel(plan, ch=3, verbose=False)
    model.args = _imported("ultralytics.cfg").get_cfg()
    return model


def segmentation_loss(model: nn.Module, mask_loss: Callable[..., Tensor]) -> Any:
    """Return ultralytics' loss of a model, but for the part that compares masks.

    Raises:
        ConfigError: If ultralytics is not installed, or cannot be imported.
    """
    loss = _imported("ultralytics.utils.loss").v8SegmentationLoss(model)
    loss.single_mask_loss = mask_loss
    return loss


def non_maximum_suppression(
    boxes: Float[Tensor, "n 4"], scores: Float[Tensor, " n"], overlap: float
) -> Int[Tensor, " m"]:
    """Return the indices of the boxes (x0, y0, x1, y1) to keep, the likeliest first.

    Raises:
        ConfigError: If torchvision is not installed, or cannot be imported.
    """
    kept: Tensor = _imported("torchvision.ops").nms(boxes, scores, overlap)
    return kept


def check_installed() -> None:
    """Make sure that the extra is there, without importing it.

    Raises:
        ConfigError: If it is not.
    """
    if any(find_spec(name) is None for name in PACKAGES):
        raise ConfigError(EXTRA)


@cache
def _imported(name: str) -> Any:
    try:
        with _untouched(), tempfile.TemporaryDirectory(prefix="graticule-yolo-") as settings:
            os.environ.update(_QUIET, YOLO_CONFIG_DIR=settings)
            module = importlib.import_module(name)
            _switch_off(importlib.import_module("ultralytics.utils").SETTINGS)
            return module
    except ModuleNotFoundError as error:
        raise ConfigError(EXTRA if error.name in PACKAGES else f"{EXTRA}: {error}") from None
    except (ImportError, RuntimeError) as error:
        reason = str(error).partition("\n")[0]
        raise ConfigError(f"segmenter yolov8n-seg: ultralytics cannot be imported: {reason}") from error


def _switch_off(settings: "dict[str, Any]") -> None:
    # Its own ``update`` would write the file again.
    dict.update(settings, {name: False for name in _OFF if name in settings})


@contextmanager
def _untouched() -> Iterator[None]:
    """Put back what an import of ultralytics changes for the whole process."""
    environment, printing, save = dict(os.environ), np.get_printoptions(), torch.save  # noqa: TID251
    try:
        # Tensors that its classes hold are made on import, and must not stay on "meta".
        with warnings.catch_warnings(), torch.device("cpu"):
            yield
    finally:
        for name in set(os.environ) - set(environment):
            del os.environ[name]
        os.environ.update(
            {name: value for name, value in environment.items() if os.environ.get(name) != value}
        )
        np.set_printoptions(**printing)
        torch.save = save  # noqa: TID251 - the library puts its own in its place
