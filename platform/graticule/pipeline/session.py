"""Where Ray comes from: the cluster of the job, or a local one that ends with the command."""

import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import ray

from graticule.core.errors import PipelineError
from graticule.pipeline.loopback import as_started, on_loopback

OBJECT_STORE_BYTES = 256 * 2**20
"""Pixels never pass through the object store, so a local one can be small."""


@contextmanager
def ray_session(*, workers: int | None = None) -> Iterator[None]:
    """Connect to the Ray that ``RAY_ADDRESS`` names, else start a local one and stop it after."""
    if ray.is_initialized():
        yield
        return
    try:
        _connect(workers)
    except Exception as error:  # Ray raises the bare class when a node does not come up
        first = str(error).partition("\n")[0]
        raise PipelineError(f"Ray is not to be had: {first}; is the machine overloaded? try again") from error
    _stop_gently()
    try:
        yield
    finally:
        ray.shutdown()


def _stop_gently() -> None:
    """Take SIGTERM for Ctrl-C: Ray's own handler dumps its stack and leaves processes behind."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)


def _connect(workers: int | None) -> None:
    address = os.environ.get("RAY_ADDRESS", "")
    if address not in ("", "local"):
        with as_started(address):
            ray.init(logging_level=logging.ERROR, log_to_driver=False)
        return
    with on_loopback():
        ray.init(
            address="local",
            num_cpus=max(workers or 0, os.cpu_count() or 1, 2),
            include_dashboard=False,
            object_store_memory=OBJECT_STORE_BYTES,
            logging_level=logging.ERROR,
            log_to_driver=False,
        )
