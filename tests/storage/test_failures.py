import subprocess
from pathlib import Path

import numpy as np
import pytest

from graticule.core.errors import ConfigError, StorageError
from graticule.storage.failures import storage_errors
from stored import make_read_only, particles


def fill_up(disk: Path) -> None:
    subprocess.run(["dd", "if=/dev/zero", f"of={disk}/fill", "bs=1k"], capture_output=True)


def noise(frames: int = 16) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (frames, 512, 512), np.uint8)


def test_a_disk_that_fills_up_while_writing_frames_is_named(make, small_disk):
    experiment = make(small_disk / "e", shape=(16, 512, 512))
    with pytest.raises(StorageError, match=f"^{small_disk}/e: no space left; free some space") as caught:
        experiment.write_image(0, noise())
    assert "\n" not in str(caught.value)


def test_frames_are_written_once_there_is_space_again(make, small_disk):
    experiment = make(small_disk / "e", shape=(3, 512, 512))
    fill_up(small_disk)
    with pytest.raises(StorageError, match="no space left"):
        experiment.write_image(0, noise(3))
    (small_disk / "fill").unlink()
    experiment.write_image(0, noise(3))
    np.testing.assert_array_equal(experiment.read_image(0, 3), noise(3))


@pytest.mark.parametrize(
    "write",
    [
        lambda experiment: experiment.run("a").mark("w", {"x": np.zeros(9999)}),
        lambda experiment: experiment.write_table("particles", particles(2000)),
        lambda experiment: experiment.write_graph(nodes=particles(2000), edges=np.array([[0, 1]])),
        lambda experiment: experiment.create_labels("tracks"),
    ],
)
def test_a_full_disk_leaves_no_half_file_behind(make, small_disk, write):
    experiment = make(small_disk / "e", shape=(3, 64, 64))
    fill_up(small_disk)
    with pytest.raises(StorageError, match="no space left"):
        write(experiment)
    assert experiment.run("a").marked() == set()
    assert not list(Path(experiment.root).rglob("*.tmp"))
    assert not list(Path(experiment.root).rglob("*.parquet"))


def test_a_read_only_place_is_named_before_anything_is_made(make, small_disk):
    make_read_only(small_disk)
    with pytest.raises(StorageError, match=f"^{small_disk}/e: the file system is read-only; choose another"):
        make(small_disk / "e")


def test_an_experiment_on_a_read_only_disk_can_be_read(make, small_disk):
    experiment = make(small_disk / "e", shape=(3, 512, 512))
    experiment.write_image(0, noise(3) // 64)
    make_read_only(small_disk)
    np.testing.assert_array_equal(experiment.read_image(0, 3), noise(3) // 64)
    for write in (
        lambda: experiment.write_image(0, noise(3)),
        lambda: experiment.create_labels("tracks"),
        lambda: experiment.write_table("particles", particles(3)),
        lambda: experiment.run("a").mark("w", {}),
        lambda: experiment.remove("0"),
    ):
        with pytest.raises(StorageError, match="read-only"):
            write()


def test_a_folder_that_may_not_be_written_is_named():
    with pytest.raises(StorageError, match="not allowed to write"), storage_errors("/data"):
        raise PermissionError(13, "Permission denied")


@pytest.mark.parametrize("error", [KeyError("x"), ValueError("our own"), ConfigError("a user's")])
def test_other_errors_pass_as_they_are(error):
    with pytest.raises(type(error)) as caught, storage_errors("/data"):
        raise error
    assert caught.value is error
