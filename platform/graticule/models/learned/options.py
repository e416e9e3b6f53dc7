"""Options that all segmenters with a network have."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


def _device(name: str) -> str:
    """Return the name of a device; whether this machine has it is not known here."""
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", name):
        raise ValueError("it should be 'auto', 'cpu', 'cuda' or 'cuda:1'")
    return name


Auto = Literal["auto"]
Length = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class LearnedOptions(BaseModel):
    """Options of a segmenter with a network, lengths in pixels of the movie.

    "auto" is resolved once per movie by ``adapted``. Where nobody resolves it: dark
    particles (bright-field images), the network's native view, no least diameter.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    weights: str = "builtin"
    """``builtin``, a path, a URL, or ``models:/name@alias``."""
    weights_sha256: str | None = None
    """Digest the weights must have; filled in when resolved, so that all workers use the same."""
    device: Annotated[str, AfterValidator(_device)] = "auto"
    """``auto`` (CUDA where there is one), ``cpu``, ``cuda``, ``cuda:1`` …"""
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """``auto``: float32 on a CPU, bfloat16 on CUDA."""
    batch: Auto | Annotated[int, Field(ge=1)] = "auto"
    """Views per forward pass; ``auto``: 1 on a CPU, as many as fit on CUDA."""
    view_px: Auto | Annotated[int, Field(ge=16)] = "auto"
    """Edge of the square of the movie that the network sees at once, scaled to its native size."""
    polarity: Literal["auto", "dark", "bright"] = "auto"
    min_diameter_px: Auto | Length = "auto"
    margin_px: Auto | Annotated[int, Field(ge=0)] = "auto"
    probability: Annotated[float, Field(gt=0, lt=1)] = 0.35
    """Foreground above this. For the largest overlap the best level is half the Dice index that is
    reached with it (Z. Lipton et al. 2014, arXiv:1402.1892); 0.35 was best on simulated frames and emps."""
    split: bool = True
    """Part touching particles."""
