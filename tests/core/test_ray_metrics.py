import subprocess
import sys

import pytest

NAMES = "RAY_enable_open_telemetry", "RAY_enable_metrics_collection"
SHOW = f"import os; print(*map(os.environ.get, {NAMES}))"


def switches(code, **environment):
    done = subprocess.run(
        [sys.executable, "-c", f"{code}; {SHOW}"], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.split()


@pytest.mark.parametrize("room", ["graticule.pipeline", "graticule.training.distributed"])
def test_a_room_that_uses_ray_switches_its_metrics_off_first(room):
    assert switches(f"import {room}") == ["0", "0"]


def test_who_asks_for_metrics_gets_them():
    asked = {"RAY_enable_open_telemetry": "1", "RAY_enable_metrics_collection": "1"}
    assert switches("import graticule.pipeline", **asked) == ["1", "1"]
