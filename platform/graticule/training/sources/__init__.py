"""Where labelled images come from: one text, one :class:`OpenedSource`."""

from graticule.core.registry import look_up
from graticule.training.sources.kinds import kind_of
from graticule.training.sources.opened import OpenedSource

__all__ = ["SOURCES", "OpenedSource", "open_source"]

SOURCES = {
    "experiment": "graticule.training.sources.experiment:open_experiment",
    "folder": "graticule.training.sources.folder:open_folder",
    "list": "graticule.training.sources.listed:open_list",
    "synthetic": "graticule.training.sources.simulated:open_simulated",
}
"""Kind of source -> ``function(text) -> OpenedSource``."""


def open_source(text: str) -> OpenedSource:
    """Open labelled images; headers are read, and pixels only where the kind of labels hangs on them.

    Args:
        text: A folder with images beside labels, a YOLO ``data.yaml``, an experiment (each a path
            or an fsspec URL), or ``synthetic:PRESET``.

    Raises:
        InputError: If there are no labelled images, or images and labels do not fit; one line.
        ConfigError: If there is no such preset.
    """
    source: OpenedSource = look_up("kind of source", SOURCES, kind_of(text))(text)
    return source
