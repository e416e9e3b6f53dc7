"""A Ray that is started for this machine listens to this machine alone."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress

import ray
from ray._private import ray_constants

_KNOCK_SECONDS = 3.0


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


@contextmanager
def as_started(address: str) -> Iterator[None]:
    """Join the Ray at ``HOST:PORT`` in the block by the address that it was started with.

    One that was started :func:`on_loopback` listens there alone, and Ray would look for it at the
    machine's own address.
    """
    host, _, port = address.rpartition(":")
    own: str = ray.util.get_node_ip_address()  # type: ignore[no-untyped-call]
    confined = host == "127.0.0.1" and not _answers(own, int(port))
    with on_loopback() if confined else nullcontext():
        yield


def _answers(host: str, port: int) -> bool:
    with suppress(OSError), socket.create_connection((host, port), timeout=_KNOCK_SECONDS):
        return True
    return False
