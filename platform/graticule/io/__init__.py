"""Readers: any movie a microscope or its software writes becomes a :class:`Movie`.

One file per family of formats; ``formats`` holds the table that chooses among them.
"""

from graticule.io.digest import inputs as expand_inputs
from graticule.io.formats import open_movie

__all__ = ["expand_inputs", "open_movie"]
