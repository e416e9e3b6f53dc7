"""A published checkpoint -> a weights file of ours, which needs no trust to be read."""

import os
from pathlib import Path

import torch

from graticule.core.errors import ConfigError, GraticuleError, InputError
from graticule.io import places
from graticule.models.architecture import ARCHITECTURES, Architecture, NetworkConfig, State, architecture
from graticule.models.weights.load import MISFITS, built, config_and_state
from graticule.models.weights.locate import locate
from graticule.models.weights.match import check_match
from graticule.models.weights.read import RefusedPickleError, Stored, read_weights, unwrapped
from graticule.models.weights.save import save_weights

SUFFIX = ".safetensors"
_YOLO = "yolov8n-seg"


def convert(path: str, out: str | None = None, *, trust: bool, network: str | None = None) -> str:
    """Write the weights in ``path`` as a safetensors file of ours; return where.

    Args:
        path: Path or URL of a published checkpoint.
        out: File or URL to write; beside the checkpoint, ending in ``.safetensors``, by default.
        trust: Whether objects pickled in the file may be built, which runs what they say.
        network: Whose weights they are; found out by their keys by default.

    Raises:
        ConfigError: If something lies at ``out``, or the weights fit several networks or none.
        InputError: If the file cannot be read, or not without trust.
    """
    source = locate(network or "", path)
    target = _target(path, out)
    made, config, state = _contents(source, trust=trust, network=network)
    module = built(made, config, source)
    check_match(source, made.name, state, module)
    module.load_state_dict(dict(state))
    save_weights(target, made.name, config, module, metadata={"converted_from": _source_name(path)})
    return target


def _source_name(path: str) -> str:
    """Return the last part of a path, or of a URL without its query, which may hold keys."""
    return places.base_name(path.partition("?")[0] if places.is_url(path) else path)


def _target(path: str, out: str | None) -> str:
    if out is None and places.is_url(path):
        raise ConfigError(f"{path} is a URL; say where the converted file goes with --out FILE")
    target = places.located(os.path.expanduser(os.path.splitext(path)[0] + SUFFIX if out is None else out))
    if not target.endswith(SUFFIX):
        raise ConfigError(f"--out {target}: the converted file ends in {SUFFIX}")
    if places.kind_of(target) != "missing":
        raise ConfigError(f"{target} exists and is not overwritten; choose another --out, or move it")
    return target


def _contents(path: Path, *, trust: bool, network: str | None) -> tuple[Architecture, NetworkConfig, State]:
    try:
        stored = read_weights(path)
    except RefusedPickleError as refused:
        if not trust:
            raise
        if network == _YOLO or (network is None and "ultralytics" in refused.why):
            return _yolo(path)
        stored = Stored(path=path, state=_trusted(path))
    if stored.network is not None:
        raise ConfigError(
            f"{path} is a graticule weights file of {stored.network} already; give it to --weights as it is"
        )
    made = architecture(network) if network else _guessed(stored)
    return (made, *config_and_state(made, stored))


def _trusted(path: Path) -> State:
    """Return the state dict of a checkpoint whose pickled objects are built: it may run any code."""
    try:
        content = torch.load(path, map_location="cpu", weights_only=False)  # noqa: TID251 - asked for by --trust
    except Exception as error:  # whatever the pickled objects raise
        said = (str(error).strip().splitlines() or [""])[0]
        raise InputError(
            f"{path} cannot be unpickled ({type(error).__name__}: {said});"
            " what it was made with must be installed"
        ) from error
    model = content.get("model") if isinstance(content, dict) else content
    return unwrapped(path, model.state_dict() if isinstance(model, torch.nn.Module) else content)


def _yolo(path: Path) -> tuple[Architecture, NetworkConfig, State]:
    from graticule.models.yolo import convert_pickle

    return (architecture(_YOLO), *convert_pickle(path))


def _guessed(stored: Stored) -> Architecture:
    """Return the only network that the published keys fit."""
    reasons, fitting = [], []
    for name in ARCHITECTURES:
        try:
            made = architecture(name)
            made.published(stored.state)
        except (*MISFITS, GraticuleError) as error:
            said = f"lacks {error.args[0]}" if isinstance(error, KeyError) else str(error)[:80]
            reasons.append(f"{name} ({said})")
        else:
            fitting.append(made)
    if len(fitting) != 1:
        fits = (
            f"several networks, {', '.join(m.name for m in fitting)}; say which with --network"
            if fitting
            else f"no network: {', '.join(reasons)}; give a checkpoint made for one of these"
        )
        raise ConfigError(f"{stored.path} fits {fits}")
    return fitting[0]
