"""Whether tensors fit a network, and in one line how they do not."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from graticule.core.errors import InputError

SHOWN = 3


def check_match(path: Path, name: str, state: Mapping[str, Tensor], network: nn.Module) -> None:
    """Refuse tensors that do not fit a network key by key, or are not finite.

    Raises:
        InputError: One line with the first few keys and shapes that differ, and how many do.
    """
    wanted = network.state_dict()
    differences = [
        _listed("missing", [key for key in wanted if key not in state]),
        _listed("unexpected", [key for key in state if key not in wanted]),
        _listed(
            "of another shape", [_shapes(key, state, wanted) for key in wanted if _differ(key, state, wanted)]
        ),
    ]
    said = "; ".join(part for part in differences if part)
    if said:
        raise InputError(f"{path} does not fit {name}: {said}; give weights made for this network")
    bad = [
        key for key, value in state.items() if value.is_floating_point() and not torch.isfinite(value).all()
    ]
    if bad:
        raise InputError(f"{path} is unusable: {_listed('not finite', bad)}; its training went astray")


def _differ(key: str, state: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> bool:
    return key in state and state[key].shape != wanted[key].shape


def _shapes(key: str, state: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> str:
    return f"{key} is {tuple(state[key].shape)}, should be {tuple(wanted[key].shape)}"


def _listed(what: str, items: list[str]) -> str:
    if not items:
        return ""
    more = f" and {len(items) - SHOWN} more" if len(items) > SHOWN else ""
    return f"{len(items)} {what} ({', '.join(items[:SHOWN])}{more})"
