"""What graticule starts by default is reached from this machine alone."""

import inspect
from pathlib import Path

import yaml

from graticule.cli.mlflow import mlflow
from local_head import _command
from serve.__main__ import _parsed

ROOT = Path(__file__).parents[2]


def test_the_endpoint_and_mlflow_are_for_this_machine_unless_told_otherwise(monkeypatch):
    monkeypatch.setattr("sys.argv", ["serve"])
    assert _parsed().host == "127.0.0.1"
    assert inspect.signature(mlflow).parameters["host"].default == "127.0.0.1"
    assert yaml.safe_load((ROOT / "serve" / "config.yaml").read_text())["http_options"]["host"] == "127.0.0.1"


def test_the_head_of_the_demo_and_of_tests_has_a_loopback_address():
    command = _command(1, 2, 1, "/tmp")
    assert "--node-ip-address=127.0.0.1" in command
    assert "--dashboard-host=127.0.0.1" in command


def test_no_command_line_of_ours_opens_a_server_to_all():
    files = [
        *ROOT.glob("infra/*.py"),
        *ROOT.glob("jobs/*.py"),
        ROOT / "Makefile",
        *ROOT.glob("infra/slurm/*"),
    ]
    opened = [
        path.name for path in files if path.is_file() and "--dashboard-host=0.0.0.0" in path.read_text()
    ]
    assert opened == []
