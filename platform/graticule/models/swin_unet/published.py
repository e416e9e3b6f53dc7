"""Read a published state dict: which sizes it has, and what we call its tensors."""

import re
from itertools import count

import torch
from torch import Tensor

from graticule.models.architecture import State
from graticule.models.swin_unet.config import SwinUnetConfig
from graticule.models.swin_unet.network import SwinUnetNetwork

PREFIX = "swin_unet."
"""What the published training script puts before every name."""
FOLLOWS = {"attn_mask", "relative_position_index"}
"""Tensors that are the same in every network of a size."""
INSIDE_A_BLOCK = {
    "attention_norm.": "norm1.",
    "attention.bias_table": "attn.relative_position_bias_table",
    "attention.qkv.": "attn.qkv.",
    "attention.project.": "attn.proj.",
    "mlp_norm.": "norm2.",
    "mlp.0.": "mlp.fc1.",
    "mlp.2.": "mlp.fc2.",
}
TABLE = INSIDE_A_BLOCK["attention.bias_table"]
OUTSIDE = {
    "embed.project.": "patch_embed.proj.",
    "embed.norm.": "patch_embed.norm.",
    "bottom_norm.": "norm.",
    "top_norm.": "norm_up.",
    "head.output.": "output.",
    "head.": "up.",
    "expands.0.": "layers_up.0.",
}
_NUMBERED = re.compile(r"(encoder|decoder|merges|expands|skips)\.(\d+)\.(.*)")


def published(state: State) -> tuple[SwinUnetConfig, dict[str, Tensor]]:
    """Return the config of a published state dict, and the same values by our names.

    Masks and position indices, which follow from the sizes, are passed over.

    Raises:
        KeyError: Naming the first key that is missing.
        ValueError: Naming the first key that a Swin-UNet has no use for.
    """
    bare = {name.removeprefix(PREFIX): tensor for name, tensor in state.items()}
    config = _config(bare)
    with torch.device("meta"):
        ours = SwinUnetNetwork(config).state_dict()
    values = {name: bare[published_name(name)] for name in ours}
    _check_for_others(bare, {published_name(name) for name in ours})
    # Published as a convolution of 1 x 1 pixels.
    return config, values | {"head.output.weight": values["head.output.weight"].flatten(1)}


def published_name(name: str) -> str:
    """Return what the published code calls our ``name``."""
    for ours, theirs in OUTSIDE.items():
        if name.startswith(ours):
            return theirs + name.removeprefix(ours)
    numbered = _NUMBERED.fullmatch(name)
    return _numbered(numbered[1], int(numbered[2]), numbered[3]) if numbered else name


def _check_for_others(state: State, known: set[str]) -> None:
    for name in state:
        if name not in known and name.rpartition(".")[2] not in FOLLOWS:
            raise ValueError(f"key {name!r} is none of a Swin-UNet's")


def _numbered(part: str, index: int, rest: str) -> str:
    match part:
        case "encoder":
            return f"layers.{index}.blocks.{_inside(rest)}"
        case "decoder":
            return f"layers_up.{index + 1}.blocks.{_inside(rest)}"
        case "merges":
            return f"layers.{index}.downsample.{rest.replace('reduce.', 'reduction.')}"
        case "expands":
            return f"layers_up.{index}.upsample.{rest}"
        case _:
            return f"concat_back_dim.{index + 1}.{rest}"


def _inside(rest: str) -> str:
    block, _, name = rest.partition(".")
    for ours, theirs in INSIDE_A_BLOCK.items():
        if name.startswith(ours):
            return f"{block}.{theirs}{name.removeprefix(ours)}"
    raise AssertionError(f"a block of ours has no {name}")


def _config(state: State) -> SwinUnetConfig:
    stem, output = state["patch_embed.proj.weight"], state["output.weight"]
    tables = [state[f"layers.{stage}.blocks.0.{TABLE}"] for stage in range(_length(state, "layers.{}."))]
    if not tables:
        raise KeyError(f"layers.0.blocks.0.{TABLE}")
    return SwinUnetConfig(
        embed=stem.shape[0],
        patch=stem.shape[-1],
        depths=tuple(_length(state, f"layers.{stage}.blocks.{{}}.") for stage in range(len(tables))),
        heads=tuple(table.shape[1] for table in tables),
        window=(round(tables[0].shape[0] ** 0.5) + 1) // 2,
        classes=output.shape[0],
    )


def _length(state: State, pattern: str) -> int:
    """Return for how many indices, from 0 on, there are names that begin with ``pattern``."""
    starts = (pattern.format(index) for index in count())
    for index, start in enumerate(starts):
        if not any(name.startswith(start) for name in state):
            return index
    raise AssertionError("a state dict is finite")
