"""The server starts, answers, keeps files in the home, and is gone after Ctrl-C."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from graticule.core.errors import ConfigError, StorageError
from graticule.experiments.champion import champion, set_champion
from graticule.experiments.models import fetch
from graticule.experiments.register import register
from graticule.experiments.runs import start
from graticule.experiments.serve import serve
from graticule.training.registering import packaged
from mlflow_home import begin
from random_weights import tiny_swin


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


def test_a_port_that_is_taken_is_one_line(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=rf"cannot listen at 127.0.0.1, port {port} .*another --port"):
            serve(host="127.0.0.1", port=port, folder=tmp_path, ready=print)


def test_a_host_that_is_not_of_this_machine_is_one_line(tmp_path):
    with pytest.raises(ConfigError, match=r"cannot listen at no-such-host.invalid"):
        serve(host="no-such-host.invalid", port=free_port(), folder=tmp_path, ready=print)


def test_a_home_that_cannot_be_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=r"home cannot be written .*--home"):
        serve(host="127.0.0.1", port=free_port(), folder=tmp_path / "file", ready=print)


@pytest.mark.slow
def test_a_server_is_used_by_its_address_and_leaves_nothing_running(tmp_path, monkeypatch):
    home, port = begin(tmp_path / "home"), free_port()
    code = "from graticule.cli import main; main()"
    command = [sys.executable, "-c", code, "mlflow", "--port", str(port), "--home", str(home)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path)
    try:
        lines = [process.stdout.readline().strip() for _ in range(4)]
        assert lines[1:3] == [
            f"MLflow: http://127.0.0.1:{port}",
            f"jobs on this machine: export MLFLOW_TRACKING_URI=http://127.0.0.1:{port}",
        ]
        group = children(process.pid)
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{port}")
        run = start("graticule-training", "served", params={"a": 1})
        run.artifact(b"1", "a.txt")
        weights = tiny_swin(tmp_path / "w.safetensors")
        entry = register(run, packaged(weights, "swin-unet"), scores={"score": 0.5})
        set_champion(entry.version)
        run.finish()
    finally:
        process.send_signal(signal.SIGINT)
        status = process.wait(60)
    assert status == 0
    assert not any(alive(pid) for pid in group)
    assert len(group) >= 1
    assert [path.read_text() for path in (home / "mlartifacts").rglob("a.txt")] == ["1"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "w.safetensors"]
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    monkeypatch.setenv("GRATICULE_HOME", str(home))
    [kept] = fetch(champion().weights).rglob("*.safetensors")
    assert kept.read_bytes() == weights.read_bytes(), "jobs find it without the server"


def children(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in found] + [below for child in found for below in children(int(child))]


def alive(pid: int) -> bool:
    for _ in range(20):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        time.sleep(0.1)
    return True
