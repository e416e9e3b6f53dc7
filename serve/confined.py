"""Replicas are asked by their machine alone.

Ray Serve opens a port in every replica, on all interfaces, for requests from other deployments by gRPC. It
asks for no token and unpickles what comes, though Serve does not use it by itself: requests go
from actor to actor. Source: ``_on_initialized`` in ``ray/serve/_private/replica.py``.
"""

from typing import Any

from ray.serve._private import constants
from ray.serve._private import replica as _replica

LOOPBACK = "127.0.0.1:0"
replica: Any = _replica
"""Without types: what is replaced here is no part of what Ray promises."""


def confine() -> None:
    """Have the replica that is about to begin in this process open that port for its machine alone.

    Where requests really go by gRPC (``RAY_SERVE_USE_GRPC_BY_DEFAULT=1``) all is left as it is:
    other nodes must reach it, and Ray's TLS and the network are what stands before it.
    """
    if constants.RAY_SERVE_USE_GRPC_BY_DEFAULT:
        return
    opened = replica.add_port_to_grpc_server

    def on_loopback(server: Any, address: str) -> int:
        return int(opened(server, LOOPBACK if address == "[::]:0" else address))

    replica.add_port_to_grpc_server = on_loopback
