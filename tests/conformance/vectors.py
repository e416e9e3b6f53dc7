"""What to run for each vector, and which of its arrays to compare with."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from conformance.files import InvalidFilesError, Keys
from conformance.fill import uniform
from conformance.states import load_published
from graticule.models.architecture import architecture


@dataclass(frozen=True, kw_only=True)
class Vector:
    """What the published implementation answered for inputs and weights filled for ``tag``."""

    name: str
    tag: str
    arrays: Mapping[str, np.ndarray]
    keys: Callable[[], Keys]

    def stored(self, array: str) -> np.ndarray:
        """Return one of the stored arrays.

        Raises:
            InvalidFilesError: If it is not there.
        """
        if array not in self.arrays:
            raise InvalidFilesError(
                f"vector {self.name} holds no array {array!r}; it holds {', '.join(self.arrays)}"
            )
        return self.arrays[array]

    def tensor(self, array: str) -> Tensor:
        """Return one of the stored arrays, likewise."""
        return torch.from_numpy(self.stored(array))

    def images(self) -> Tensor:
        """Return the input images, of the shape that is stored."""
        shape = tuple(int(extent) for extent in self.stored("shape"))
        return torch.from_numpy(uniform(self.tag, f"{self.name}/image", shape))

    def network(self, name: str, *, wrapped_in: str | None = None) -> nn.Module:
        """Return our network ``name`` with the published weights."""
        return load_published(architecture(name), self.keys(), self.tag, wrapped_in=wrapped_in)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One of our arrays, the stored one it should equal, and who computed it if several can."""

    array: str
    ours: Tensor
    by: str | None = None


def _swin_unet(vector: Vector) -> Iterator[Answer]:
    images = vector.images()
    logits = vector.network("swin-unet")(images)
    yield Answer(array="logits", ours=logits[..., ::4, ::4])


def _vm_unet_v2(vector: Vector) -> Iterator[Answer]:
    images = vector.images()
    logit = vector.network("vmamba").foreground(images).logit
    yield Answer(array="logit", ours=logit[..., ::4, ::4])


def _efficient_sam(vector: Vector) -> Iterator[Answer]:
    images, points, labels = vector.images(), vector.tensor("points"), vector.tensor("labels")
    network = vector.network("efficient-sam-ti", wrapped_in="model")
    yield Answer(array="embedding", ours=network.embed(images)[..., ::8, ::8])
    logits, iou = network(images, points, labels)
    yield Answer(array="logits", ours=logits[..., ::16, ::16])
    yield Answer(array="iou", ours=iou)


def _selective_scan(vector: Vector) -> Iterator[Answer]:
    from graticule.models.selective_scan import available, selective_scan

    needed = {name: vector.tensor(name) for name in ("u", "delta", "A", "B", "C")}
    given = {name: vector.tensor(name) for name in ("D", "z", "delta_bias") if name in vector.arrays}
    places = dict.fromkeys(available("cuda"), "cuda") if torch.cuda.is_available() else {}
    for backend, device in (places | dict.fromkeys(available("cpu"), "cpu")).items():
        placed = {name: tensor.to(device) for name, tensor in (needed | given).items()}
        y, last_state = selective_scan(**placed, delta_softplus=True, return_last_state=True, backend=backend)
        yield Answer(array="y", ours=y, by=backend)
        yield Answer(array="last_state", ours=last_state, by=backend)


def _deaot(vector: Vector) -> Iterator[Answer]:
    from graticule.tracking.deaot import ARCHITECTURE
    from graticule.tracking.deaot.grouped import GroupedEngine

    network = load_published(ARCHITECTURE, vector.keys(), vector.tag)
    shape = tuple(int(extent) for extent in vector.stored("shape"))
    frames = torch.from_numpy((uniform(vector.tag, f"{vector.name}/frames", shape) - 0.5) * 4)
    engine = GroupedEngine(network, memory_gap=int(vector.stored("memory_gap")))
    engine.start(frames[0], _twelve_objects(0, shape), objects=12)
    logits = []
    for t, frame in enumerate(frames[1:], 1):
        logits.append(engine.propagate(frame)[..., ::4, ::4])
        engine.update(_twelve_objects(t, shape))
    yield Answer(array="logits", ours=torch.stack(logits))


def _twelve_objects(t: int, shape: tuple[int, ...]) -> Tensor:
    """Return the label map that the published implementation was told in frame ``t``."""
    labels = torch.zeros(1, *shape[-2:], dtype=torch.int64)
    for i in range(12):
        y, x = 50 * (i // 4) + 6 + t, 38 * (i % 4) + 6 + 2 * t
        labels[:, y : y + 20 + i, x : x + 18] = i + 1
    return labels


RUNNERS: dict[str, Callable[[Vector], Iterator[Answer]]] = {
    "deaott": _deaot,
    "efficient_sam_ti": _efficient_sam,
    "r50_deaotl": _deaot,
    "selective_scan": _selective_scan,
    "swin_unet": _swin_unet,
    "vm_unet_v2": _vm_unet_v2,
}
"""Vector -> how to answer it; a vector that is not here belongs to a network we do not have yet."""
