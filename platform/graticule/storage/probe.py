"""Who codes the chunks of an array here: found by writing and reading one."""

import numpy as np
from zarr.storage import LocalStore

from graticule.storage.codecs import create_array, open_array, pipeline_in_use

_SHAPE = (1, 64, 64)


def codec_pipeline(folder: str) -> str:
    """Return who coded an array that came back as it was written: "zarrs", or "zarr" in its place.

    Args:
        folder: An empty one on a local disk.

    Raises:
        OSError: If the folder cannot be written to.
        ValueError: If what was read is not what was written.
    """
    store = LocalStore(folder)
    written = np.arange(np.prod(_SHAPE), dtype=np.uint32).reshape(_SHAPE)
    create_array(store, "probe", shape=_SHAPE, dtype=written.dtype, frames=1)
    open_array(store, "probe", write=True)[:] = written
    array = open_array(store, "probe")
    if not np.array_equal(np.asarray(array[:]), written):
        raise ValueError("an array reads otherwise than it was written")
    return pipeline_in_use(array)
