"""Keep Ray from crashing a process that is about to end well.

A driver's thread that exports metrics lives on after ``ray.shutdown`` and logs through a
logger that the ending process has already destroyed: about one command in ten died of a
segmentation fault after its work was done (Ray 2.60, ``OpenTelemetryMetricExporter``).
"""

import os

_SWITCHES = ("RAY_enable_open_telemetry", "RAY_enable_metrics_collection")


def leave_off() -> None:
    """Switch metrics off in this process, unless the environment asks for them.

    To be called before Ray is imported. The nodes of a running cluster are not touched.
    """
    for switch in _SWITCHES:
        os.environ.setdefault(switch, "0")
