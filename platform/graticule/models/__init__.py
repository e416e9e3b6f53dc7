"""The segmenters, by name."""

from graticule.models.catalogue import ModelRow, describe
from graticule.models.registry import SEGMENTERS, adapt, check_weights, create, identity, pinned, refitted

__all__ = [
    "SEGMENTERS",
    "ModelRow",
    "adapt",
    "check_weights",
    "create",
    "describe",
    "identity",
    "pinned",
    "refitted",
]
