"""What an installation can do, found by asking it."""

import os
import shutil
from collections.abc import Iterator
from importlib.util import find_spec

from graticule.core.environment import environment


def findings() -> Iterator[tuple[str, str]]:
    """Yield what was looked at and what was found."""
    yield from environment().items()
    yield "CPUs", str(os.cpu_count())
    yield "free disk here", f"{shutil.disk_usage('.').free / 2**30:.0f} GiB"
    for module, extra, gives in (
        ("rsciio", "em", "dm3, dm4, mrc, ser, emd, tvips"),
        ("ultralytics", "yolo", "YOLO segmenters"),
        ("trackpy", "compare", "other trackers, and metrics to compare by"),
    ):
        found = find_spec(module) is not None
        yield (
            f"extra [{extra}]",
            gives if found else f"not installed ({gives}): pip install graticule[{extra}]",
        )
    yield "Ray address", os.environ.get("RAY_ADDRESS") or "none: commands start a local Ray"
