"""The Ray that commands would work on: whether it can be reached, and what it has."""

import os
import socket
from dataclasses import dataclass

import ray

from graticule.core.errors import ConfigError
from graticule.pipeline.session import ray_session

VARIABLE = "RAY_ADDRESS"
_SECONDS = 3.0
_FOR_JOBS = ("http://", "https://")


@dataclass(frozen=True, kw_only=True, slots=True)
class Cluster:
    """Nodes that are up, and their CPUs and GPUs together."""

    nodes: int
    cpus: int
    gpus: int


def cluster() -> Cluster | None:
    """Return what the Ray at ``RAY_ADDRESS`` has, ``None`` where none is named.

    Raises:
        ConfigError: If the address is one to submit jobs to, or nothing listens there.
        PipelineError: If it does not take this process in.
    """
    address = os.environ.get(VARIABLE)
    if not address:
        return None
    if address.startswith(_FOR_JOBS):
        raise ConfigError(
            f"{VARIABLE}={address} is where ray job submit goes; commands on a node of the cluster"
            f" take HOST:6379, or auto: set {VARIABLE} to that, or unset it"
        )
    _knock(address)
    with ray_session():
        there: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
        nodes = sum(bool(node["Alive"]) for node in ray.nodes())  # type: ignore[no-untyped-call]
    return Cluster(nodes=nodes, cpus=int(there.get("CPU", 0)), gpus=int(there.get("GPU", 0)))


def _knock(address: str) -> None:
    """Find out in seconds whether anything listens; Ray itself would try for a minute."""
    host, mark, port = address.rpartition("://")[2].rpartition(":")
    if not mark:
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_SECONDS).close()
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"nothing answers at {VARIABLE}={address} ({error}); start Ray there, or unset {VARIABLE}"
        ) from error
