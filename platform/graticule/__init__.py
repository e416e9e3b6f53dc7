"""graticule: segment, track and measure particles in in-situ electron-microscopy movies."""

from graticule.core.environment import version_of

__version__ = version_of("graticule") or "0+unknown"
"""As installed: from the tag, or how far beyond it. Code that was not installed does not know its version."""
