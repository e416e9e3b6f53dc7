"""Published weights of EfficientSAM, and how their names become ours.

Source: https://github.com/yformer/EfficientSAM, ``weights/efficient_sam_vitt.pt``: names and shapes.
"""

import re

import torch
from torch import Tensor

from graticule.models.architecture import State
from graticule.models.efficient_sam.config import EfficientSamConfig
from graticule.models.efficient_sam.network import EfficientSamNetwork

HEAD = 64
"""Channels of an attention head, the same in all published sizes."""
KINDS = ("invalid_points", "point_embeddings", "bbox_top_left_embeddings", "bbox_bottom_right_embeddings")
NAMES = (
    (r"encoder\.positions", "image_encoder.pos_embed"),
    (r"encoder\.patches\.", "image_encoder.patch_embed.proj."),
    (r"encoder\.blocks\.(\d+)\.attention\.qkv\.", r"image_encoder.blocks.\1.attn.qkv."),
    (r"encoder\.blocks\.(\d+)\.attention\.out\.", r"image_encoder.blocks.\1.attn.proj."),
    (r"encoder\.blocks\.(\d+)\.mlp\.0\.", r"image_encoder.blocks.\1.mlp.fc1."),
    (r"encoder\.blocks\.(\d+)\.mlp\.2\.", r"image_encoder.blocks.\1.mlp.fc2."),
    (r"encoder\.", "image_encoder."),
    (r"prompts\.places\.frequencies", "prompt_encoder.pe_layer.positional_encoding_gaussian_matrix"),
    (r"decoder\.(iou_token|mask_tokens)", r"mask_decoder.\1.weight"),
    (r"decoder\.upscale\.first\.", "mask_decoder.final_output_upscaling_layers.0.0."),
    (r"decoder\.upscale\.norm\.", "mask_decoder.final_output_upscaling_layers.0.1."),
    (r"decoder\.upscale\.second\.", "mask_decoder.final_output_upscaling_layers.1.0."),
    (r"decoder\.weighers\.(\d)\.", r"mask_decoder.output_hypernetworks_mlps.\1."),
    (r"decoder\.iou\.", "mask_decoder.iou_prediction_head."),
    (r"decoder\.transformer\.last_read\.", "mask_decoder.transformer.final_attn_token_to_image."),
    (r"decoder\.transformer\.last_norm\.", "mask_decoder.transformer.norm_final_attn."),
    (r"decoder\.", "mask_decoder."),
)
"""Beginning of a name of ours, and what it begins with there; the first that fits."""
PARTS = (
    (r"\.layers\.(\d)\.among\.", r".layers.\1.self_attn."),
    (r"\.layers\.(\d)\.read\.", r".layers.\1.cross_attn_token_to_image."),
    (r"\.layers\.(\d)\.write\.", r".layers.\1.cross_attn_image_to_token."),
    (r"\.layers\.(\d)\.mlp\.0\.", r".layers.\1.mlp.layers.0.0."),
    (r"\.layers\.(\d)\.mlp\.2\.", r".layers.\1.mlp.fc."),
    (r"(mlps\.\d|head)\.0\.", r"\1.layers.0.0."),
    (r"(mlps\.\d|head)\.2\.", r"\1.layers.1.0."),
    (r"(mlps\.\d|head)\.4\.", r"\1.fc."),
    (r"\.(query|key|value|out)\.(?=weight|bias)", r".\1_proj."),
)
"""What else differs, anywhere in a decoder's name."""
PROJECTIONS = {"query_proj": "q_proj", "key_proj": "k_proj", "value_proj": "v_proj"}


def published(state: State) -> tuple[EfficientSamConfig, dict[str, Tensor]]:
    """Return the config of a published state dict, and its values by our names.

    What has no place in the network keeps its name, for the loader to complain about.

    Raises:
        KeyError: Naming the first key that is missing.
    """
    config = _config(state)
    with torch.device("meta"):
        ours = EfficientSamNetwork(config).state_dict()
    names = {name: published_name(name) for name in ours if name != "prompts.kinds"}
    taken = {theirs: state[theirs] for theirs in names.values()}
    kinds = [f"prompt_encoder.{kind}.weight" for kind in KINDS]
    mapped = {name: taken[theirs] for name, theirs in names.items()}
    mapped["prompts.kinds"] = torch.cat([state[kind] for kind in kinds])
    rest = {name: value for name, value in state.items() if name not in taken and name not in kinds}
    return config, mapped | rest


def published_name(name: str) -> str:
    """Return what a parameter of ours (but ``prompts.kinds``) is called there."""
    pattern, begin = next((p, b) for p, b in NAMES if re.match(p, name))
    name = re.sub(f"^{pattern}", begin, name)
    if not name.startswith("mask_decoder"):
        return name
    for pattern, part in PARTS:
        name = re.sub(pattern, part, name)
    for ours, theirs in PROJECTIONS.items():
        name = name.replace(f".{ours}.", f".{theirs}.")
    return name


def _config(state: State) -> EfficientSamConfig:
    width = state["image_encoder.patch_embed.proj.weight"].shape[0]
    blocks = {name.split(".")[2] for name in state if name.startswith("image_encoder.blocks.")}
    return EfficientSamConfig(width=width, depth=max(len(blocks), 1), heads=max(width // HEAD, 1))
