"""The folder of a user's own things: the registry where no server is named, and fetched weights."""

import os
from pathlib import Path


def home() -> Path:
    """Return ``$GRATICULE_HOME``, absolute; ``~/.graticule`` where it is not set."""
    return Path(os.environ.get("GRATICULE_HOME") or "~/.graticule").expanduser().absolute()
