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


CLUSTER = {"RAY_ADDRESS": "10.0.0.1:6379"}


@pytest.mark.parametrize(
    ("environment", "collected"),
    [
        (CLUSTER, True),
        (CLUSTER | dict.fromkeys(NAMES, "1"), True),
        (CLUSTER | dict.fromkeys(NAMES, "0"), False),
        ({}, False),
        ({"RAY_ADDRESS": "local"}, False),
    ],
    ids=["on a cluster", "asked for", "switched off for all", "without a cluster", "on this machine"],
)
def test_what_was_left_off_here_may_be_on_in_a_cluster(environment, collected):
    ask = "from graticule.core import ray_metrics as m; m.leave_off(); print(m.collected_elsewhere())"
    done = subprocess.run(
        [sys.executable, "-c", ask], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == str(collected)
