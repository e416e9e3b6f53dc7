"""The segmenters, by name."""

from graticule.models.registry import SEGMENTERS, adapt, create

__all__ = ["SEGMENTERS", "adapt", "create"]
