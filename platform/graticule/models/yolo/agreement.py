"""How well what the network says of a window agrees with what it says of the whole frame.

Convolutions reach far, so a window read with little around it is answered a little differently.
Compared is the raw answer inside of the write box, before anything is thresholded.
"""

from collections.abc import Mapping

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor, nn

from graticule.core.window import Box, relative, whole
from graticule.models.yolo.framing import Framing, framed
from graticule.models.yolo.network import COEFFICIENTS, PROTOTYPE_PX, STRIDES, YoloOutput
from graticule.tiling.windows import grown

Answer = Mapping[str, Float32[np.ndarray, "channels cells"]]
"""``boxes`` (sides from the cell's point, in strides), ``classes``, ``coefficients`` of the grid
cells and ``prototypes`` inside a box."""


def disagreement(
    network: nn.Module, image: Float32[np.ndarray, "y x"], write: Box, *, margins: list[int]
) -> dict[int, dict[str, float]]:
    """Return the relative error of each part of the answer inside ``write``, by margin.

    It is the norm of the difference to the untiled frame's answer over the norm of that answer's
    deviation from its mean, over all cells and channels of a part.

    Args:
        network: :class:`.network.YoloSeg`, in evaluation mode.
        image: A normalised frame.
        write: What a window would write, its edges on the frame's grid of 32 px.
        margins: Pixels read around it, multiples of 32; less where the frame ends.
    """
    box = whole(image.shape)
    truth = answer_inside(network, image, write)
    errors = {}
    for margin in margins:
        read = grown(write, margin, (box[0].stop, box[1].stop))
        seen = answer_inside(network, image[read], relative(write, read))
        errors[margin] = {part: _relative_error(seen[part], truth[part]) for part in truth}
    return errors


@torch.inference_mode()
def answer_inside(network: nn.Module, image: Float32[np.ndarray, "y x"], box: Box) -> Answer:
    """Return what the network says of the part of an image inside ``box`` (edges multiples of 32)."""
    framing = Framing.of(image.shape, zoom=1.0)
    output: YoloOutput = network(framed(image, framing)[None].expand(-1, 3, -1, -1))
    cells = torch.cat(_cells(output.predictions[0], framing, box), dim=1)
    y, x = (slice(side.start // PROTOTYPE_PX, side.stop // PROTOTYPE_PX) for side in box)
    return {
        "boxes": cells[:4].numpy(),
        "classes": cells[4:-COEFFICIENTS].numpy(),
        "coefficients": cells[-COEFFICIENTS:].numpy(),
        "prototypes": output.prototypes[0][:, y, x].flatten(1).numpy(),
    }


def _cells(predictions: Float[Tensor, "channels n"], framing: Framing, box: Box) -> list[Tensor]:
    found, first = [], 0
    for stride in STRIDES:
        height, width = (edge // stride for edge in framing.padded)
        grid = predictions[:, first : first + height * width].reshape(-1, height, width).clone()
        first += height * width
        grid[0:4:2] -= (torch.arange(width) + 0.5) * stride
        grid[1:4:2] -= ((torch.arange(height) + 0.5) * stride)[:, None]
        grid[:4] /= stride
        y, x = (slice(side.start // stride, side.stop // stride) for side in box)
        found.append(grid[:, y, x].flatten(1))
    return found


def _relative_error(seen: np.ndarray, truth: np.ndarray) -> float:
    return float(np.linalg.norm(seen - truth) / np.linalg.norm(truth - truth.mean()))
