"""EfficientSAM the plain way, on the weights of a network of ours: what the fast form is compared with.

Eager attention, six prompt points always, every prompt with its own copy of the image from the
first layer on, key biases added, transposed convolutions, and every candidate upsampled to the
input's size. All prompts at once.
"""

import torch
from torch import Tensor
from torch.nn import functional

from graticule.models.efficient_sam import EfficientSamNetwork
from graticule.models.efficient_sam.attention import HEADS, Attention


def embed(network: EfficientSamNetwork, images: Tensor) -> Tensor:
    """The embedding (b 256 y x) of RGB images (b 3 h w) in 0..1."""
    encoder = network.encoder
    patches = encoder.patches((images - network.mean) / network.deviation)
    y, x = patches.shape[-2:]
    tokens = patches.flatten(2).transpose(1, 2) + encoder.positions_at(y, x)
    for block in encoder.blocks:
        query, key, value = block.attention.qkv(block.norm1(tokens)).chunk(3, dim=-1)
        mixed = _attend(query, key, value, block.attention.heads)
        tokens = tokens + block.attention.out(mixed)
        tokens = tokens + block.mlp(block.norm2(tokens))
    return encoder.neck(tokens.transpose(1, 2).unflatten(2, (y, x)))


def decode(
    network: EfficientSamNetwork, embedding: Tensor, points: Tensor, labels: Tensor
) -> tuple[Tensor, Tensor]:
    """Logits (b q 3 h w) and predicted IoU (b q 3) of prompts (b q p 2), labels (b q p)."""
    (b, q), (y, x) = points.shape[:2], embedding.shape[2:]
    queries, image = _transformed(network, embedding, _prompts(network, points, labels, (16 * y, 16 * x)))
    decoder = network.decoder
    upscaled = _upscaled(decoder.upscale, image.transpose(1, 2).unflatten(2, (y, x)))
    weights = torch.stack([weigher(queries[:, 1 + m]) for m, weigher in enumerate(decoder.weighers)], 1)
    low = torch.einsum("zmc,zcyx->zmyx", weights, upscaled)[:, 1:]
    logits = functional.interpolate(low, size=(16 * y, 16 * x), mode="bicubic", align_corners=False)
    return logits.unflatten(0, (b, q)), decoder.iou(queries[:, 0])[:, 1:].unflatten(0, (b, q))


def _prompts(network: EfficientSamNetwork, points: Tensor, labels: Tensor, size: tuple[int, int]) -> Tensor:
    missing = max(6 - points.shape[2], 0)
    points = functional.pad(points, (0, 0, 0, missing), value=-1.0)[:, :, :6]
    labels = functional.pad(labels, (0, missing), value=-1)[:, :, :6]
    points = torch.where(points >= 0, points, -1.0)
    tokens = network.prompts.places((points + 0.5) / torch.tensor([size[1], size[0]]))
    for label, kind in zip((-1, 1, 2, 3), network.prompts.kinds, strict=True):
        tokens = tokens + kind * (labels == label)[..., None]
    return tokens.flatten(0, 1)


def _transformed(network: EfficientSamNetwork, embedding: Tensor, prompts: Tensor) -> tuple[Tensor, Tensor]:
    decoder = network.decoder
    own = torch.cat([decoder.iou_token, decoder.mask_tokens]).expand(len(prompts), -1, -1)
    tokens = queries = torch.cat([own, prompts], dim=1)
    copies = len(prompts) // len(embedding)
    image = embedding.flatten(2).transpose(1, 2).repeat_interleave(copies, 0)
    places = network.prompts.places.grid(*embedding.shape[2:]).expand_as(image)
    for i, layer in enumerate(decoder.transformer.layers):
        queries = queries + tokens if i else queries
        queries = layer.norm1(queries + _cross(layer.among, queries, queries, queries))
        read = _cross(layer.read, queries + tokens, image + places, image)
        queries = layer.norm2(queries + read)
        queries = layer.norm3(queries + layer.mlp(queries))
        image = layer.norm4(image + _cross(layer.write, image + places, queries + tokens, queries))
    last = decoder.transformer
    read = _cross(last.last_read, queries + tokens, image + places, image)
    return last.last_norm(queries + read), image


def _cross(attention: Attention, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    projected = attention.query(query), attention.key(key), attention.value(value)
    return attention.out(_attend(*projected, HEADS))


def _attend(query: Tensor, key: Tensor, value: Tensor, heads: int) -> Tensor:
    query, key, value = (part.unflatten(-1, (heads, -1)).transpose(1, 2) for part in (query, key, value))
    scores = query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5
    return (scores.softmax(-1) @ value).transpose(1, 2).flatten(2)


def _upscaled(upscale: torch.nn.Module, image: Tensor) -> Tensor:
    half = functional.gelu(upscale.norm(upscale.first(image)))
    return functional.gelu(upscale.second(half))
