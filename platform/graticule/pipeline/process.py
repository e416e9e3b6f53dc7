"""How a worker process behaves: one thread, so that workers do not fight for cores."""

import os
import sys
from collections.abc import Mapping
from functools import cache

from threadpoolctl import threadpool_limits

from graticule.storage.codecs import limit_threads

HANDED_ON = ("GRATICULE_HOME", "GRATICULE_SCAN", "MLFLOW_TRACKING_URI")
"""Environment that says where weights lie and how they are computed with; a worker may be started without."""


def one_thread() -> None:
    """Cap the numeric libraries and codecs of this process at one thread.

    Every worker calls it before each item, since Ray reuses processes. One thread however
    many cores are free: another number may sum in another order, and the labels of a window
    would depend on the size of the cluster.
    """
    _numeric_libraries()
    torch = sys.modules.get("torch")  # not imported for its own sake
    if torch is not None and torch.get_num_threads() != 1:
        torch.set_num_threads(1)


@cache
def _numeric_libraries() -> None:
    # Looking for thread pools takes some 10 ms; once in a process is enough.
    threadpool_limits(1)
    limit_threads(1)


def handed_on() -> dict[str, str]:
    """Return what of this process' environment its workers need."""
    return {name: os.environ[name] for name in HANDED_ON if name in os.environ}


def take(environment: Mapping[str, str]) -> None:
    """Take on what :func:`handed_on` gave in the driver."""
    os.environ.update(environment)
