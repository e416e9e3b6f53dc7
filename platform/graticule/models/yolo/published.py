"""Published YOLOv8n-seg weights, and how they become ours."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from graticule.core.errors import InputError
from graticule.models.architecture import State
from graticule.models.yolo.library import segmentation_model
from graticule.models.yolo.network import YoloConfig

_FIRST = "model.0.conv.weight"
_CLASS_BIAS = "model.22.cv3.0.2.bias"


def published(state: State) -> tuple[YoloConfig, dict[str, Tensor]]:
    """Return config and own state of a published state dict (keys ``model.0.conv.weight`` …).

    Raises:
        KeyError: For the first published key that is missing.
    """
    if _FIRST not in state:  # said without ultralytics, where weights of any network are tried
        raise KeyError(_FIRST)
    bias = state.get(_CLASS_BIAS)
    config = YoloConfig() if bias is None else YoloConfig(classes=len(bias))
    expected = segmentation_model(config.classes).state_dict()
    return config, {f"network.{key}": _plain(state[key], like) for key, like in expected.items()}


def convert_pickle(path: Path) -> tuple[YoloConfig, dict[str, Tensor]]:
    """Return config and own state of an ultralytics ``.pt``, which is a pickle.

    Unpickling runs whatever code the file holds: only for files whose origin is trusted. The
    averaged weights (EMA) are taken where there are any, in float32.

    Raises:
        InputError: If it is no checkpoint of YOLOv8n-seg.
        ConfigError: If ultralytics is not installed.
    """
    segmentation_model(1)  # the classes in the pickle are found through its import
    try:
        found: Any = torch.load(path, map_location="cpu", weights_only=False)  # noqa: TID251 - --trust
    except Exception as error:  # whatever the pickled objects raise
        raise InputError(
            f"{path} cannot be unpickled: {_line(error)}; give an ultralytics .pt file"
        ) from error
    try:
        return published(_module(found).float().state_dict())
    except (AttributeError, KeyError, TypeError) as error:
        reason = f"it has no {error}" if isinstance(error, KeyError) else _line(error)
        raise InputError(f"{path} is no checkpoint of yolov8n-seg: {reason}") from error


def _module(found: Any) -> nn.Module:
    if isinstance(found, dict):
        found = found.get("model") if found.get("ema") is None else found["ema"]
    if not isinstance(found, nn.Module):
        raise TypeError(f"it holds no network but {type(found).__name__}")
    return found


def _plain(value: Tensor, like: Tensor) -> Tensor:
    return value.detach().to(like.dtype).contiguous().clone()


def _line(error: Exception) -> str:
    return (str(error) or type(error).__name__).partition("\n")[0]
