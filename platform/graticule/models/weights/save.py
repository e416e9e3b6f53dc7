"""A network -> a weights file of ours: safetensors, with name and sizes in its header."""

import json
from collections.abc import Mapping
from os import PathLike, fspath
from os import path as paths

import torch
from safetensors.torch import save
from torch import Tensor, nn

from graticule.models.architecture import NetworkConfig
from graticule.models.weights.read import CONFIG, NETWORK
from graticule.storage.place import Place


def save_weights(
    path: str | PathLike[str],
    name: str,
    config: NetworkConfig,
    module: nn.Module,
    *,
    metadata: Mapping[str, str] | None = None,
    dtype: torch.dtype | None = None,
) -> None:
    """Write a network's parameters and buffers; the file is there whole or not at all.

    The same network gives the same bytes.

    Args:
        path: Path or URL, ``*.safetensors``; a file there is replaced.
        name: The network's name, one of the architectures.
        config: The sizes it was built with.
        module: The network.
        metadata: More to be said in the header.
        dtype: What floating-point tensors are stored as; as they are by default. Half the
            bytes in ``torch.float16`` cost some 3 digits; they are float32 again when loaded.

    Raises:
        StorageError: If it cannot be written there.
    """
    state = {key: _stored(value, dtype) for key, value in module.state_dict().items()}
    header = {**(metadata or {}), NETWORK: name, CONFIG: config.model_dump_json()}
    place = Place.at(fspath(path))
    folder, _, file = place.root.rpartition("/")
    Place.at(folder or paths.sep).write(file, _ordered(save(state, metadata=header)))


def _ordered(content: bytes) -> bytes:
    """Return a safetensors file with its metadata in order; the library writes it in any."""
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + content[8 + length :]


def _stored(value: Tensor, dtype: torch.dtype | None) -> Tensor:
    kind = dtype if dtype is not None and value.is_floating_point() else value.dtype
    # a copy of its own: safetensors refuses tensors that share memory
    return value.detach().to("cpu", kind, copy=True).contiguous()
