"""A training's state as safetensors: tensors, and all else as JSON in the header. Nothing in it can run.

In the JSON a dict is ``{"dict": [[key, value], …]}``, since keys may be numbers; a tensor is
``{"tensor": name}``, a tuple ``{"tuple": […]}``; the rest stands for itself.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from safetensors import safe_open
from safetensors.torch import load, save, save_file
from torch import Tensor

State = dict[str, Any]
"""Tensors, numbers, strings, and dicts, lists and tuples of these."""

_TREE = "state"
Get = Callable[[str], Tensor]


def write_file(path: Path, state: State) -> None:
    """Write a state into a local file.

    Raises:
        TypeError: If something in it is neither tensor, number, text nor made of these.
    """
    tensors, header = _taken_apart(state)
    save_file(tensors, path, metadata=header)


def to_bytes(state: State) -> bytes:
    """Return what :func:`write_file` writes."""
    tensors, header = _taken_apart(state)
    return save(tensors, metadata=header)


def read_file(path: Path) -> State:
    """Return the state in a local file; it keeps nothing of the file.

    Raises:
        Exception: Of many kinds, if it is damaged.
    """
    with safe_open(path, framework="pt", device="cpu") as file:
        return _together(file.metadata()[_TREE], lambda name: file.get_tensor(name).clone())


def from_bytes(content: bytes) -> State:
    """Return the state in what :func:`to_bytes` gave; raises as :func:`read_file`."""
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    return _together(header["__metadata__"][_TREE], load(content).__getitem__)


def _taken_apart(state: State) -> tuple[dict[str, Tensor], dict[str, str]]:
    tensors: dict[str, Tensor] = {}
    memory: set[int] = set()

    def apart(value: Any, name: str) -> Any:
        if isinstance(value, Tensor):
            tensors[name] = _own(value, memory)
            return {"tensor": name}
        if isinstance(value, dict):
            return {"dict": [[_key(key), apart(part, f"{name}/{key}")] for key, part in value.items()]}
        if isinstance(value, list | tuple):
            parts = [apart(part, f"{name}/{index}") for index, part in enumerate(value)]
            return parts if isinstance(value, list) else {"tuple": parts}
        if value is None or isinstance(value, bool | int | float | str):
            return value
        raise TypeError(f"a state holds a {type(value).__name__} at {name}, which no file can hold")

    return tensors, {_TREE: json.dumps(apart(state, ""))}


def _own(tensor: Tensor, memory: set[int]) -> Tensor:
    """Return a tensor whose memory no other one has: tied weights are written twice."""
    whole = tensor.detach().cpu().contiguous()
    if whole.untyped_storage().data_ptr() in memory:
        whole = whole.clone()
    memory.add(whole.untyped_storage().data_ptr())
    return whole


def _key(key: Any) -> int | str:
    if type(key) not in (int, str):
        raise TypeError(f"a state has the key {key!r}; only numbers and texts can be")
    found: int | str = key
    return found


def _together(text: str, tensor: Get) -> State:
    def together(value: Any) -> Any:
        if isinstance(value, list):
            return [together(part) for part in value]
        if not isinstance(value, dict):
            return value
        [(kind, content)] = value.items()
        if kind == "tensor":
            return tensor(content)
        return tuple(map(together, content)) if kind == "tuple" else {k: together(v) for k, v in content}

    state: State = together(json.loads(text))
    return state
