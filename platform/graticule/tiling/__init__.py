"""Cut a movie into windows and join what was found in them; pure geometry."""

from graticule.tiling.part import Part, part_of
from graticule.tiling.stitch import numbered_in_raster_order, stitch
from graticule.tiling.whole import patches_of, segment_frames
from graticule.tiling.windows import BAND, tile_windows

__all__ = [
    "BAND",
    "Part",
    "numbered_in_raster_order",
    "part_of",
    "patches_of",
    "segment_frames",
    "stitch",
    "tile_windows",
]
