"""What ran; it has moved to :mod:`graticule.core.environment`."""

from graticule.core.environment import environment

__all__ = ["environment"]
