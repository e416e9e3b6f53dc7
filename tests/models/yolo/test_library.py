import subprocess
import sys
from pathlib import Path

import graticule

PLATFORM = Path(graticule.__file__).parents[1]

ALARMS = """
import os, sys, tempfile

def watch(event, args):
    if event.startswith("socket.") and event not in ("socket.__new__", "socket.gethostname"):
        raise SystemExit(f"network: {event} {args}")
    if event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+"):
        path = os.path.abspath(os.fsdecode(args[0]))
        if not path.startswith((tempfile.gettempdir() + os.sep + "graticule-yolo-", "/dev/")):
            raise SystemExit(f"written: {path}")

sys.dont_write_bytecode = True
sys.addaudithook(watch)
"""

LIBRARIES = """
import numpy, torch  # what they do is not ours to judge
"""

WORK = """
before = dict(os.environ), torch.save, numpy.get_printoptions()
from graticule.models.yolo import YoloConfig, YoloSeg
from graticule.models.yolo.loss import YoloLoss, targets_of
network = YoloSeg(YoloConfig())
labels = torch.zeros(1, 64, 64, dtype=torch.int64)
labels[:, 8:40, 8:40] = 1
YoloLoss(network)(torch.rand(1, 3, 64, 64), targets_of(labels))[0].backward()
network.eval()(torch.rand(1, 3, 64, 64))
from ultralytics.utils import ONLINE, SETTINGS
assert (dict(os.environ), torch.save, numpy.get_printoptions()) == before
assert not ONLINE and not SETTINGS["sync"] and not SETTINGS["mlflow"]
assert "mlflow" not in sys.modules
"""


def run(code: str, folder: Path, **environment: str) -> subprocess.CompletedProcess:
    home = folder / "home"
    home.mkdir(parents=True)
    plain = {"HOME": str(home), "PATH": "/usr/bin:/bin", "PYTHONPATH": str(PLATFORM), "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, "-c", code], cwd=home, env={**plain, **environment}, capture_output=True, text=True
    )


def test_it_is_silent_stays_off_the_network_and_leaves_home_and_process_as_they_were(tmp_path):
    done = run(LIBRARIES + ALARMS + WORK, tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list((tmp_path / "home").iterdir()) == []


def test_a_network_first_built_without_memory_does_not_spoil_the_next(tmp_path):
    code = """
import torch
from graticule.models.yolo import YoloConfig, YoloSeg
with torch.device("meta"):
    YoloSeg(YoloConfig())
print(YoloSeg(YoloConfig()).eval()(torch.rand(1, 3, 64, 64)).predictions.shape[1])
"""
    done = run(code, tmp_path)
    assert (done.returncode, done.stdout) == (0, "37\n"), done.stderr


def test_the_alarms_would_go_off(tmp_path):
    assert "network" in run(ALARMS + "import socket; socket.getaddrinfo('localhost', 80)", tmp_path).stderr
    assert "written" in run(ALARMS + "open('settings.json', 'w')", tmp_path / "other").stderr


def test_without_ultralytics_one_line_says_what_to_install(tmp_path):
    hide = """
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import PathFinder

class Hiding(MetaPathFinder):
    find_distributions = staticmethod(PathFinder.find_distributions)

    def find_spec(self, name, path=None, target=None):
        return None if name == "ultralytics" else PathFinder.find_spec(name, path, target)

sys.meta_path[:] = [finder for finder in sys.meta_path if finder is not PathFinder] + [Hiding()]
from graticule.core.errors import ConfigError
from graticule.models.yolo import YoloConfig, YoloSeg
from graticule.models.yolo.segmenter import Yolo
for made in (lambda: YoloSeg(YoloConfig()), lambda: Yolo(Yolo.Options())):
    try:
        made()
    except ConfigError as error:
        print(error)
"""
    line = "segmenter yolov8n-seg needs the extra: pip install 'graticule[yolo]' (ultralytics, AGPL-3.0)\n"
    done = run(hide, tmp_path)
    assert (done.returncode, done.stdout) == (0, line + line), done.stderr
