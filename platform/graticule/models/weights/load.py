"""Weights -> a network ready to use: float32, on the CPU, in evaluation mode."""

from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError
from torch import Tensor, nn

from graticule.core.errors import InputError
from graticule.models.architecture import Architecture, NetworkConfig, State, architecture
from graticule.models.weights import cache
from graticule.models.weights.digest import sha256_of
from graticule.models.weights.locate import locate
from graticule.models.weights.match import check_match
from graticule.models.weights.read import Stored, read_weights

# What a published mapping trips over when the tensors are not those it knows.
MISFITS = (KeyError, ValueError, IndexError, RuntimeError, TypeError)


def load_network(name: str, weights: str, *, sha256: str | None = None) -> nn.Module:
    """Return the network called ``name`` with its weights: float32, CPU, evaluation mode.

    Args:
        name: One of :data:`graticule.models.architecture.ARCHITECTURES`.
        weights: ``builtin``, a path, any fsspec URL, or ``models:/name@alias``.
        sha256: What the file must hold, in hex.

    Raises:
        UnknownNameError: If there is no network of that name.
        ConfigError: If no weights are shipped or registered under that name.
        InputError: If they cannot be had, are damaged, changed, or of another network.
    """
    made = architecture(name)
    return load(made, locate(name, weights, sha256=sha256), sha256=sha256)


def load_config(name: str, weights: str, *, sha256: str | None = None) -> NetworkConfig:
    """Return the sizes of the network that weights make; as :func:`load_network`, without making it."""
    made = architecture(name)
    return config_and_state(made, read_weights(locate(name, weights, sha256=sha256)))[0]


def load(made: Architecture, path: Path, *, sha256: str | None = None) -> nn.Module:
    """Return the network that a local weights file makes, see :func:`load_network`."""
    if sha256 is not None:
        _check_digest(path, sha256)
    config, state = config_and_state(made, read_weights(path))
    network = built(made, config, path)
    check_match(path, made.name, state, network)
    network.load_state_dict(dict(state))
    return network.float().eval()


def config_and_state(made: Architecture, stored: Stored) -> tuple[NetworkConfig, State]:
    """Return sizes and tensors by our names, from a file of ours or a published one.

    Raises:
        InputError: If the file is of another network.
    """
    if stored.network is None:
        return published(made, stored)
    if stored.network != made.name:
        raise InputError(
            f"{stored.path} holds weights of {stored.network}, not of {made.name};"
            f" give other weights, or --segmenter {stored.network}"
        )
    try:
        return made.config.model_validate_json(stored.config or ""), stored.state
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "config"
        raise InputError(
            f"{stored.path} has a header that {made.name} cannot read ({where}: {first['msg']});"
            " it was written by another version of graticule"
        ) from None


def published(made: Architecture, stored: Stored) -> tuple[NetworkConfig, Mapping[str, Tensor]]:
    """Return sizes and tensors by our names, from a published state dict.

    Raises:
        InputError: If it is not the published one of this network.
    """
    try:
        return made.published(stored.state)
    except MISFITS as error:
        # beartype's errors of wrong shapes, in tests, are of these kinds too
        said = f"key {error.args[0]!r} is missing" if isinstance(error, KeyError) else _one_line(error)
        first = next(iter(stored.state))
        raise InputError(
            f"{stored.path} is no {made.name} checkpoint: {said}, it has {len(stored.state)} others"
            f" (first: {first}); give weights made for this network"
        ) from error


def built(made: Architecture, config: NetworkConfig, path: Path) -> nn.Module:
    """Return the network of these sizes, with random weights.

    Raises:
        InputError: If there can be none of these sizes.
    """
    try:
        return made.build(config)
    except (ValueError, ZeroDivisionError) as error:
        raise InputError(f"{path} asks for a {made.name} that cannot be: {_one_line(error)}") from error


def _check_digest(path: Path, sha256: str) -> None:
    found = sha256_of(path)
    if found != sha256.lower():
        if path.parent == cache.folder():
            raise InputError(f"{path} is damaged; delete it, and the weights are fetched again")
        raise InputError(
            f"{path} does not hold what it should: sha256 {found}, expected {sha256};"
            " it has changed since, or is another file"
        )


def _one_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
