"""Hand dask the scheduler that fits: Ray's where Ray is connected."""

import sys
from collections.abc import Callable
from typing import Any

from graticule.core.errors import GraticuleError, PipelineError


def pyramid_scheduler() -> Callable[..., Any] | None:
    """Return dask on Ray when Ray is connected, else ``None`` (dask's own threads)."""
    # Importing Ray takes seconds; where nobody has, it is not connected.
    ray = sys.modules.get("ray")
    return _on_ray if ray is not None and ray.is_initialized() else None


def _on_ray(*arguments: Any, **options: Any) -> Any:
    """Run dask's graph on Ray; what a task says is wrong is said in its own one line."""
    from ray.exceptions import RayError
    from ray.util.dask import ray_dask_get

    try:
        return ray_dask_get(*arguments, **options)  # type: ignore[no-untyped-call]
    except RayError as error:
        raise _told(error) from error


def _told(error: BaseException) -> GraticuleError:
    cause = getattr(error, "cause", None)
    if isinstance(cause, GraticuleError):
        return _told(cause) if getattr(cause, "cause", None) else cause
    last = (str(error).strip().splitlines() or [type(error).__name__])[-1].strip()
    return PipelineError(f"the image pyramid could not be built: {last}; run the same command again")
