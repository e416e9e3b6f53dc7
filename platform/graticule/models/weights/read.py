"""Weights files -> tensors by name: ours in safetensors, published ones without their pickle.

``torch.load(weights_only=True)`` builds tensors and plain containers and runs no code.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from graticule.core.errors import GraticuleError, InputError
from graticule.io.places import readable
from graticule.models.architecture import State
from graticule.models.weights.formats import format_of

NETWORK, CONFIG = "network", "config"
"""Names in the header of a file of ours."""

WRAPPERS = ("model", "state_dict", "model_state_dict", "net", "params")
"""Keys under which published checkpoints keep their state dict."""

_PREFIXES = ("module.", "_orig_mod.")
_REFUSED = ("Unsupported global", "GLOBAL ", "Unsupported class", "Unsupported operand", "unpickle")


@dataclass(frozen=True, kw_only=True, eq=False)
class Stored:
    """What a weights file holds; ``network`` and ``config`` (JSON) are ``None`` in a published one."""

    path: Path
    state: State
    network: str | None = None
    config: str | None = None


class RefusedPickleError(InputError):
    """A file holds pickled objects, which only trust can open; ``why`` names the first."""

    def __init__(self, path: Path, why: str) -> None:
        self.path, self.why = path, why
        super().__init__(
            f"{path} holds pickled Python objects, which could run code; if you trust where it comes from:"
            f" graticule models convert {path} --trust"
        )

    def __reduce__(self) -> tuple[type["RefusedPickleError"], tuple[Path, str]]:
        return RefusedPickleError, (self.path, self.why)


def read_weights(path: Path) -> Stored:
    """Read a weights file.

    Raises:
        InputError: If it is damaged, holds no weights, or pickled objects.
    """
    with readable(str(path)):
        return _safetensors(path) if format_of(path) == "safetensors" else _checkpoint(path)


def unwrapped(path: Path, content: Any) -> State:
    """Return the state dict in what a checkpoint holds, without its wrappers and prefixes.

    Raises:
        InputError: If there is none.
    """
    while isinstance(content, Mapping):
        inner = next((content[key] for key in WRAPPERS if isinstance(content.get(key), Mapping)), None)
        if inner is None:
            break
        content = inner
    tensors = _tensors(content)
    if not tensors:
        raise InputError(f"{path} holds no network weights; give the file with the state dict")
    for prefix in _PREFIXES:
        if all(name.startswith(prefix) for name in tensors):
            tensors = {name.removeprefix(prefix): value for name, value in tensors.items()}
    return tensors


def _safetensors(path: Path) -> Stored:
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            header = file.metadata() or {}
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    except (SafetensorError, OSError, ValueError) as error:
        raise _damaged(path, error) from error
    if NETWORK in header and CONFIG in header:
        return Stored(path=path, state=state, network=header[NETWORK], config=header[CONFIG])
    return Stored(path=path, state=unwrapped(path, state))


def _checkpoint(path: Path) -> Stored:
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)  # noqa: TID251 - here alone
    except GraticuleError:
        raise
    except Exception as error:  # a damaged archive fails in any of torch's layers
        if "TorchScript" in str(error):
            raise InputError(
                f"{path} is a TorchScript archive, which holds a program; give the state dict it was made of"
            ) from error
        if any(word in str(error) for word in _REFUSED):
            raise RefusedPickleError(path, _first_line(error, "GLOBAL ")) from error
        raise _damaged(path, error) from error
    return Stored(path=path, state=unwrapped(path, content))


def _tensors(content: Any) -> dict[str, Tensor]:
    if not isinstance(content, Mapping):
        return {}
    return {str(name): value for name, value in content.items() if isinstance(value, Tensor)}


def _damaged(path: Path, error: Exception) -> InputError:
    return InputError(f"{path} is damaged or cut short ({_first_line(error)}); fetch the weights again")


def _first_line(error: Exception, word: str = "") -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return next((line for line in lines if word in line), type(error).__name__)[:160]
