"""A Ray that is started for this machine listens to this machine alone."""

from collections.abc import Iterator
from contextlib import contextmanager

from ray._private import ray_constants


@contextmanager
def on_loopback() -> Iterator[None]:
    """Give a Ray that is started in the block the node address 127.0.0.1.

    Its servers then listen there; with any other address they listen on all interfaces. Ray
    replaces a loopback address by the machine's own, except where it rules out clusters, as it
    does by itself on macOS. Source: ``resolve_ip_for_localhost`` in ``ray/_private/services.py``.
    """
    before = ray_constants.ENABLE_RAY_CLUSTER
    ray_constants.ENABLE_RAY_CLUSTER = False
    try:
        yield
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = before
