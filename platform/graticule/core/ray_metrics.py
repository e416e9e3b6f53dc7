"""Keep Ray from crashing a process that is about to end well.

A driver's thread that exports metrics lives on after ``ray.shutdown`` and logs through a
logger that the ending process has already destroyed: about one command in ten died of a
segmentation fault after its work was done (Ray 2.60, ``OpenTelemetryMetricExporter``).
"""

import os
import sys

_SWITCHES = ("RAY_enable_open_telemetry", "RAY_enable_metrics_collection")
_OFF = ("0", "false", "False")
_switched_here: set[str] = set()


def leave_off() -> None:
    """Switch metrics off in this process, unless the environment asks for them.

    To be called before Ray is imported. The nodes of a running cluster are not touched, nor
    are their workers, which import rooms that call this: half switched off, a counter there
    is exported as something else.
    """
    if _in_worker():
        return
    for switch in _SWITCHES:
        if switch not in os.environ:
            os.environ[switch] = "0"
            _switched_here.add(switch)


def collected_elsewhere() -> bool:
    """Tell whether this process joins a cluster, by ``RAY_ADDRESS``, that may collect metrics.

    A cluster does by default; who started this process may have switched them off for all.
    """
    if os.environ.get("RAY_ADDRESS", "") in ("", "local"):
        return False
    return all(switch in _switched_here or os.environ.get(switch) not in _OFF for switch in _SWITCHES)


def _in_worker() -> bool:
    # This room does not import Ray; where it is connected already, it is too late as well.
    ray = sys.modules.get("ray")
    return ray is not None and hasattr(ray, "is_initialized") and ray.is_initialized()
