import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import zarr
from zarr.storage import LocalStore, MemoryStore

from graticule.storage import codecs


@pytest.mark.parametrize(
    ("frame", "expected"),
    [((512, 512), 16), ((1024, 1024), 4), ((2048, 2048), 1), ((8192, 8192), 1), ((64, 64), 64)],
)
def test_a_shard_is_16_mib_of_labels(frame, expected):
    assert codecs.shard_frames((1000, *frame)) == expected


def test_a_shard_holds_whole_frames_of_chunks_up_to_512(make):
    experiment = make(shape=(20, 600, 300))
    array = zarr.open_array(experiment.path("0"), mode="r")
    assert array.chunks == (1, 512, 300)
    assert array.shards == (experiment.shard_frames, 1024, 300)


def test_zarrs_codes_on_a_local_disk(make):
    experiment = make()
    for write in (False, True):
        array = codecs.open_array(LocalStore(experiment.root), "0", write=write)
        assert codecs.pipeline_in_use(array) == "zarrs"
    assert codecs.pipeline_in_use(zarr.open_array(experiment.path("0"))) == "zarr"  # others are left alone


def test_zarrs_own_pipeline_serves_other_stores():
    store = MemoryStore()
    codecs.create_array(store, "0", shape=(2, 8, 8), dtype=np.dtype("u1"), frames=2)
    assert codecs.pipeline_in_use(codecs.open_array(store, "0", write=True)) == "zarr"


def test_another_array_in_the_way_is_refused(make):
    store = LocalStore(make().root)
    with pytest.raises(ValueError, match="expected"):
        codecs.create_array(store, "0", shape=(2, 8, 8), dtype=np.dtype("u1"), frames=2)


def test_a_shard_has_the_same_bytes_each_time(make):
    frames = np.random.default_rng(0).poisson(90, (16, 1024, 1024)).astype(np.uint8)
    experiment = make(shape=frames.shape)
    contents = set()
    for _ in range(8):
        experiment.write_image(0, frames)
        contents.add((Path(experiment.root) / "0" / "c" / "2" / "0" / "0").read_bytes())
    assert len(contents) == 1


CAPPED = """
import json, os, sys
import numpy as np
from graticule.storage.codecs import limit_threads
limit_threads(1)
from graticule.core.calibration import Calibration
from graticule.storage.experiment import Experiment
frames = np.random.default_rng(0).poisson(90, (32, 512, 512)).astype(np.uint8)
before = len(os.listdir("/proc/self/task"))
made = Experiment.create(sys.argv[1], name="m", shape=frames.shape, dtype="u1", calibration=Calibration())
made.write_image(0, frames)
assert (made.read_image(0, 32) == frames).all()
names = [open(f"/proc/self/task/{task}/comm").read().strip() for task in os.listdir("/proc/self/task")]
print(json.dumps({"new": len(names) - before, "names": names}))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="counts threads in /proc")
def test_a_capped_process_codes_on_one_thread(tmp_path):
    platform = Path(codecs.__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", CAPPED, str(tmp_path / "e")],
        env={"PYTHONPATH": str(platform), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        check=True,
        text=True,
    )
    # zarr's event loop, its pool of one, rayon's one
    assert json.loads(done.stdout)["new"] <= 3, done.stdout
