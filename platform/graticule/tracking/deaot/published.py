"""Read a published state dict: which sizes it has, and what we call its tensors."""

import re

import torch
from torch import Tensor

from graticule.models.architecture import State
from graticule.tracking.deaot.config import DeAOTConfig
from graticule.tracking.deaot.network import DeAOT

COUNTER = "num_batches_tracked"
"""A tensor that the published frozen normalisation lacks."""
OUTSIDE = {
    "encoder.": "encoder.",
    "project.": "encoder_projector.",
    "norm.": "LSTT.decoder_norms.0.gn.",
    "identities.": "patch_wise_id_bank.",
    "identity_norm.": "id_norm.",
    "decoder.start.conv.": "decoder.conv_in.conv.",
    "decoder.start.norm.": "decoder.conv_in.gn.",
    "decoder.logits.": "decoder.conv_out.",
}
DECODER = ("16x", "8x", "4x")
INSIDE_A_LAYER = {
    "norm.": "norm1.",
    "key_value.": "linear_QV.",
    "gate.": "linear_U.",
    "identity.": "linear_ID_V.",
    "identity_norm.": "id_norm1.",
    "identity_gate.": "linear_ID_U.",
    "relative.": "short_term_attn.relative_emb_k.",
    "long.": "long_term_attn.",
    "short.": "short_term_attn.",
    "self_norms.0.": "norm2.",
    "self_norms.1.": "id_norm2.",
    "self_propagation.key.": "self_attn.linear_QK.",
    "self_propagation.values.0.": "self_attn.linear_V1.",
    "self_propagation.values.1.": "self_attn.linear_V2.",
    "self_propagation.gates.0.": "self_attn.linear_U1.",
    "self_propagation.gates.1.": "self_attn.linear_U2.",
    "self_propagation.output.": "self_attn.",
}
_LAYER = re.compile(r"layers\.(\d+)\.(.*)")
_PYRAMID = re.compile(r"decoder\.(blocks|adapters)\.(\d)\.(.*)")


def published(state: State) -> tuple[DeAOTConfig, dict[str, Tensor]]:
    """Return the config of a published state dict, and the same values by our names.

    Raises:
        KeyError: Naming the first key that is missing.
        ValueError: Naming the first key that a DeAOT has no use for.
    """
    bare = {name.removeprefix("module."): tensor for name, tensor in state.items()}
    config = _config(bare)
    with torch.device("meta"):
        ours = DeAOT(config).state_dict()
    values = {name: _value(name, bare) for name in ours}
    known = {published_name(name) for name in ours}
    for name in bare:
        if name not in known:
            raise ValueError(f"key {name!r} is none of a DeAOT's")
    return config, values


def published_name(name: str) -> str:
    """Return what the published code calls our ``name``."""
    if found := _LAYER.fullmatch(name):
        inside = _renamed(found[2], INSIDE_A_LAYER)
        inside = inside.replace(".depthwise.", ".dw_conv.conv.").replace(".project.", ".projection.")
        return f"LSTT.layers.{found[1]}.{inside}"
    if found := _PYRAMID.fullmatch(name):
        kind = "conv" if found[1] == "blocks" else "adapter"
        return f"decoder.{kind}_{DECODER[int(found[2])]}.{found[3].replace('norm.', 'gn.')}"
    return _renamed(name, OUTSIDE)


def _renamed(name: str, table: dict[str, str]) -> str:
    for ours, theirs in table.items():
        if name.startswith(ours):
            return theirs + name.removeprefix(ours)
    raise AssertionError(f"there is no {name} in a DeAOT")


def _value(name: str, state: State) -> Tensor:
    if name.endswith(COUNTER):
        return state.get(published_name(name), torch.zeros((), dtype=torch.int64))
    return state[published_name(name)]


def _config(state: State) -> DeAOTConfig:
    layers = {found[1] for name in state if (found := re.match(r"LSTT\.layers\.(\d+)\.", name))}
    if not layers:
        raise KeyError("LSTT.layers.0.norm1.weight")
    return DeAOTConfig(
        encoder="mobilenet_v2" if "encoder.features.0.0.weight" in state else "resnet50",
        layers=len(layers),
        slots=state["decoder.conv_out.weight"].shape[0] - 1,
    )
