"""What was found, for eyes: overlay movie, key frames, page; and for other programs: export."""

from graticule.report.assemble import build

__all__ = ["build"]
