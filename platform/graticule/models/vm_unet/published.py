"""Read the published state dict of VM-UNetV2.

What never reaches its output stays behind: the last stage's blocks, ``deconv5``,
``seg_outs.0`` and ``seg_outs.1``.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from graticule.models.architecture import State
from graticule.models.vm_unet.config import VmUnetConfig

Names = Iterator[tuple[str, str]]
"""Pairs of our name and the published one."""

COUNTER = "num_batches_tracked"

_BLOCK = {
    "norm.weight": "ln_1.weight",
    "norm.bias": "ln_1.bias",
    "mixer.enter.weight": "self_attention.in_proj.weight",
    "mixer.nearby.weight": "self_attention.conv2d.weight",
    "mixer.nearby.bias": "self_attention.conv2d.bias",
    "mixer.select": "self_attention.x_proj_weight",
    "mixer.step": "self_attention.dt_projs_weight",
    "mixer.step_bias": "self_attention.dt_projs_bias",
    "mixer.log_rate": "self_attention.A_logs",
    "mixer.skip": "self_attention.Ds",
    "mixer.norm.weight": "self_attention.out_norm.weight",
    "mixer.norm.bias": "self_attention.out_norm.bias",
    "mixer.leave.weight": "self_attention.out_proj.weight",
}


def from_published(state: State) -> tuple[VmUnetConfig, dict[str, Tensor]]:
    """Return the sizes of a published state dict, and its values by our names.

    Raises:
        KeyError: Naming the first published key that is missing.
    """
    config = _sizes(state)
    own = {ours: _value(state, theirs) for ours, theirs in _names(config)}
    return config, own


def _value(state: State, key: str) -> Tensor:
    if key.endswith(COUNTER) and key not in state:
        return torch.tensor(0)
    return state[key]


def _sizes(state: State) -> VmUnetConfig:
    reductions = [state[f"vmunet.layers.{stage}.downsample.reduction.weight"] for stage in range(3)]
    first = state["vmunet.patch_embed.proj.weight"].shape[0]
    d_state = state["vmunet.layers.0.blocks.0.self_attention.A_logs"].shape[1]
    sizes = {
        "dims": [first, *(reduction.shape[0] for reduction in reductions)],
        "depths": [_depth(state, stage) for stage in range(3)],
        "d_state": d_state,
        "mid": state["Translayer_1.conv.weight"].shape[0],
    }
    return VmUnetConfig.model_validate(sizes)


def _depth(state: State, stage: int) -> int:
    prefix = f"vmunet.layers.{stage}.blocks."
    numbers = [int(key.removeprefix(prefix).split(".")[0]) for key in state if key.startswith(prefix)]
    return max(numbers, default=0) + 1


def _names(config: VmUnetConfig) -> Names:
    yield from _encoder(config)
    for scale in range(len(config.dims)):
        yield from _bridge(scale)
    for scale in range(len(config.dims)):
        for feature in range(len(config.dims)):
            yield from _layer(
                f"fusion.infusions.{scale}.convolutions.{feature}", f"sdi_{scale + 1}.convs.{feature}"
            )
    for step in range(3):
        yield f"decoder.enlarge.{step}.weight", f"deconv{step + 2}.weight"
    yield from _layer("heads.0.fine", "seg_outs.3")
    yield from _layer("heads.0.coarse", "seg_outs.2")
    yield from _layer("heads.0.refine", "deconv6")


def _encoder(config: VmUnetConfig) -> Names:
    yield from _layer("encoder.embedding.project", "vmunet.patch_embed.proj")
    yield from _layer("encoder.embedding.norm", "vmunet.patch_embed.norm")
    for stage, depth in enumerate(config.depths):
        ours, theirs = f"encoder.stages.{stage}", f"vmunet.layers.{stage}"
        for block in range(depth):
            for name, published in _BLOCK.items():
                yield f"{ours}.blocks.{block}.{name}", f"{theirs}.blocks.{block}.{published}"
        yield from _layer(f"{ours}.merging.norm", f"{theirs}.downsample.norm")
        yield f"{ours}.merging.reduce.weight", f"{theirs}.downsample.reduction.weight"


def _bridge(scale: int) -> Names:
    ours, number = f"fusion.bridges.{scale}", scale + 1
    yield f"{ours}.attention.channel.squeeze.weight", f"ca_{number}.fc1.weight"
    yield f"{ours}.attention.channel.expand.weight", f"ca_{number}.fc2.weight"
    yield f"{ours}.attention.spatial.weigh.weight", f"sa_{number}.conv1.weight"
    yield f"{ours}.project.weight", f"Translayer_{number}.conv.weight"
    yield from _layer(f"{ours}.norm", f"Translayer_{number}.bn")
    for statistic in ("running_mean", "running_var", COUNTER):
        yield f"{ours}.norm.{statistic}", f"Translayer_{number}.bn.{statistic}"


def _layer(ours: str, theirs: str) -> Names:
    for kind in ("weight", "bias"):
        yield f"{ours}.{kind}", f"{theirs}.{kind}"
