"""A Ray of the tests' own: started here, stopped here, joined by nobody else."""

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import ray


@contextmanager
def local_ray(*, cpus: int = 2) -> Iterator[None]:
    """Start Ray with a small object store and no dashboard in a folder of its own; stop it after."""
    with tempfile.TemporaryDirectory(prefix="ray", ignore_cleanup_errors=True) as folder:
        ray.init(
            address="local",
            num_cpus=cpus,
            include_dashboard=False,
            object_store_memory=80 * 2**20,
            _temp_dir=folder,
            logging_level=logging.ERROR,
            log_to_driver=False,
        )
        try:
            yield
        finally:
            ray.shutdown()
