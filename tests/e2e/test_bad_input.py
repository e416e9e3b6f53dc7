"""Every mistake ends with one clear line that names what is wrong, and nothing is lost by it."""

import shutil
from pathlib import Path

import av
import numpy as np
import pytest
import tifffile
from PIL import Image

from movies import sintering_tiff
from trees import digests

from .conftest import Cluster, Finished, remount

FRAMES, SIZE = 6, 96


@pytest.fixture(scope="module")
def movie(tmp_path_factory) -> Path:
    return sintering_tiff(tmp_path_factory.mktemp("movie") / "movie.tif", frames=FRAMES, size=SIZE)


@pytest.fixture(scope="module")
def tracked(movie, ray_here, tmp_path_factory) -> Path:
    from graticule.cli import main

    out = tmp_path_factory.mktemp("tracked") / "movie.ome.zarr"
    with pytest.raises(SystemExit, match="0"):
        main(["track", str(movie), "--out", str(out)])
    return out


@pytest.fixture
def experiment(tracked, tmp_path) -> Path:
    """A finished experiment that a test may spoil."""
    return Path(shutil.copytree(tracked, tmp_path / "finished.ome.zarr"))


@pytest.fixture
def out(tmp_path) -> Path:
    return tmp_path / "out.ome.zarr"


def one_line(done: Finished, *, status: int = 1) -> str:
    assert done.status == status, done.output
    assert "Traceback" not in done.output
    assert len(done.error_lines) == 1, done.output
    return done.error_lines[0]


def pictures(folder: Path, frames) -> Path:
    folder.mkdir()
    for index, frame in enumerate(frames):
        Image.fromarray(frame).save(folder / f"frame_{index}.png")
    return folder


def grey(*shapes: tuple[int, int]) -> list[np.ndarray]:
    return [np.random.default_rng(0).integers(0, 255, shape).astype(np.uint8) for shape in shapes]


def write_mp4(path: Path, frames: int = 12) -> Path:
    with av.open(str(path), "w") as file:
        stream = file.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 64
        for index in range(frames):
            picture = np.full((64, 64, 3), 20 * index, np.uint8)
            file.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        file.mux(stream.encode())
    return path


# A submitted job


def test_a_submitted_job_fails_with_one_line(cluster: Cluster, tmp_path):
    missing = tmp_path / "missing.mp4"
    done = cluster.track(missing, "--out", tmp_path / "out.ome.zarr")
    assert str(missing) in one_line(done)


def test_a_submitted_job_refuses_relative_paths(cluster: Cluster, tmp_path):
    line = one_line(cluster.track("movie.tif", "--out", tmp_path / "out.ome.zarr"))
    assert "'movie.tif' is relative" in line
    assert "/movie.tif" in line


def test_a_submitted_job_names_an_image_that_a_worker_cannot_decode(cluster: Cluster, tmp_path, out):
    folder = pictures(tmp_path / "frames", grey(*[(64, 64)] * 3))
    broken = folder / "frame_1.png"
    broken.write_bytes(broken.read_bytes()[:200])
    assert "frame_1.png" in one_line(cluster.track(folder, "--out", out))


# Input that cannot be read


def test_an_empty_folder_is_named(command, tmp_path, out):
    (tmp_path / "nothing").mkdir()
    assert "nothing is an empty folder" in one_line(command("track", tmp_path / "nothing", "--out", out))


@pytest.mark.parametrize("name", ["movie.mp4", "movie.tif", "movie.dm4", "movie.png"])
def test_a_file_of_no_bytes_is_named(command, tmp_path, out, name):
    (tmp_path / name).touch()
    assert f"{name} is empty (0 bytes)" in one_line(command("track", tmp_path / name, "--out", out))


@pytest.mark.parametrize("name", ["log.mp4", "log.tif", "log.dm4", "log.mrc", "log.emd", "log.txt"])
def test_a_file_that_is_not_what_its_name_says_is_named(command, tmp_path, out, name):
    (tmp_path / name).write_text("10:02 stage moved\n" * 200)
    assert name in one_line(command("track", tmp_path / name, "--out", out))


@pytest.mark.parametrize("share", [0.002, 0.5])
def test_a_truncated_tiff_is_named(command, movie, tmp_path, out, share):
    cut = tmp_path / "cut.tif"
    cut.write_bytes(movie.read_bytes()[: int(movie.stat().st_size * share)])
    assert "cut.tif is truncated" in one_line(command("track", cut, "--out", out))


@pytest.mark.parametrize("share", [0.01, 0.5])
def test_a_truncated_mp4_is_named(command, tmp_path, out, share):
    whole = write_mp4(tmp_path / "movie.mp4")
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole.read_bytes()[: int(whole.stat().st_size * share)])
    assert "cut.mp4" in one_line(command("track", cut, "--out", out))


def test_a_broken_image_is_named_and_other_files_are_counted(command, tmp_path, out):
    folder = pictures(tmp_path / "frames", grey(*[(64, 64)] * 3))
    broken = folder / "frame_1.png"
    broken.write_bytes(broken.read_bytes()[:200])
    (folder / "notes.txt").touch()
    (folder / "Thumbs.db").touch()
    done = command("track", folder, "--out", out)
    assert "frame_1.png" in one_line(done)
    assert done.output.count("2 files of other types ignored") == 1


def test_frames_of_different_sizes_are_named(command, tmp_path, out):
    folder = pictures(tmp_path / "frames", grey((64, 64), (64, 64), (80, 64)))
    line = one_line(command("track", folder, "--out", out))
    assert "frame_2.png is 80 x 64" in line


@pytest.mark.parametrize("value", [np.nan, 0.0, 7.0])
def test_a_movie_without_one_usable_frame_is_an_error(command, tmp_path, out, value):
    source = tmp_path / "blank.tif"
    tifffile.imwrite(source, np.full((3, 64, 64), value, np.float32), photometric="minisblack")
    assert "blank" in one_line(command("track", source, "--out", out))


# Options that cannot be


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ["--segmenter", "magic"],
            "unknown segmenter 'magic'; known: efficient-sam-ti, swin-unet, threshold, vmamba, yolov8n-seg",
        ),
        (["--tracker", "magic"], "unknown tracker 'magic'; known: deaot, laptrack, overlap, trackpy"),
        (["--option", "colour=1"], "no option 'colour'"),
        (["--option", "sigma_px"], "write NAME=VALUE"),
        (["--frames", "7:9"], "7:9 selects none of the 6 frames"),
        (["--frames", "3:3"], "selects nothing"),
        (["--crop", "0:97,0:5"], "96 x 96 px"),
        (["--crop", "5"], "needs rows and columns"),
        (["--average", "0"], "--average"),
        (["--average", "7"], "give 1 to 6"),
        (["--tile", "7"], "--tile"),
        (["--pixel-size-nm", "nan"], "--pixel-size-nm"),
        (["--pixel-size-nm", "inf"], "--pixel-size-nm"),
        (["--frame-interval-s", "-1"], "--frame-interval-s"),
        (["--min-diameter-px", "2", "--min-diameter-nm", "2"], "not both"),
    ],
)
def test_an_impossible_option_is_named_before_anything_is_made(command, movie, out, options, said):
    assert said in one_line(command("track", movie, "--out", out, *options))
    assert not out.exists()


@pytest.mark.parametrize(
    "options", [["--average", "x"], ["--polarity", "blue"], ["--workers", "0"], ["--no"]]
)
def test_wrong_usage_is_one_line_with_status_2(command, movie, out, options):
    line = one_line(command("track", movie, "--out", out, *options), status=2)
    assert options[0] in line
    assert "graticule track --help" in line


def test_nanometers_without_a_scale_are_refused_before_anything_is_made(command, tmp_path, out):
    folder = pictures(tmp_path / "frames", grey((64, 64), (64, 64)))
    line = one_line(command("track", folder, "--out", out, "--min-diameter-nm", "2"))
    assert "--pixel-size-nm" in line
    assert not out.exists()


def test_a_glob_without_a_match_is_named(command, tmp_path, out):
    assert "*.mrc matches no file" in one_line(command("track", tmp_path / "*.mrc", "--out", out))


# Places that are taken


@pytest.mark.parametrize("below", ["", "/deeper"])
def test_an_output_that_is_a_file_is_refused_and_kept(command, movie, tmp_path, below):
    taken = tmp_path / "taken"
    taken.write_text("thesis")
    assert "taken" in one_line(command("track", movie, "--out", f"{taken}{below}", "--overwrite"))
    assert taken.read_text() == "thesis"


@pytest.mark.parametrize("out", ["", "/deeper", "/.."])
def test_an_experiment_is_never_written_into_its_input(command, experiment, out):
    before = digests(experiment)
    done = command("track", experiment, "--out", f"{experiment}{out}", "--overwrite")
    assert "would write into the input" in one_line(done)
    assert digests(experiment) == before


def test_a_folder_of_frames_is_never_turned_into_an_experiment(command, tmp_path):
    folder = pictures(tmp_path / "frames", grey((64, 64), (64, 64)))
    assert "would write into" in one_line(command("track", folder, "--out", folder, "--overwrite"))
    assert sorted(path.name for path in folder.iterdir()) == ["frame_0.png", "frame_1.png"]


def test_labels_are_never_written_over_their_images(command, tmp_path):
    folder = pictures(tmp_path / "frames", grey((64, 64), (64, 64)))
    before = (folder / "frame_0.png").read_bytes()
    assert "images themselves" in one_line(command("segment", folder, "--out", folder, "--overwrite"))
    assert (folder / "frame_0.png").read_bytes() == before


def test_overwrite_does_not_delete_folders_that_are_not_graticules(command, movie, tmp_path):
    (tmp_path / "work" / "2024").mkdir(parents=True)
    line = one_line(command("track", movie, "--out", tmp_path / "work", "--overwrite"))
    assert "'2024' would be lost" in line
    assert (tmp_path / "work" / "2024").is_dir()


def test_another_configuration_is_named_and_refused(command, movie, experiment):
    before = digests(experiment)
    line = one_line(command("track", movie, "--out", experiment, "--polarity", "dark"))
    assert "polarity was 'auto', now 'dark'" in line
    assert "--overwrite" in line
    assert digests(experiment) == before


def test_another_input_is_named_and_refused(command, tmp_path, experiment):
    other = sintering_tiff(tmp_path / "other.tif", frames=3, size=64)
    assert "other.tif" in one_line(command("track", other, "--out", experiment))


def test_a_simulated_experiment_is_refused_as_a_result(command, movie, tmp_path):
    assert command("simulate", tmp_path / "truth", "--frames", "2", "--size", "64").status == 0
    assert "no tracked movie" in one_line(command("track", movie, "--out", tmp_path / "truth"))


def test_files_of_an_earlier_export_are_kept(command, experiment, tmp_path):
    assert command("export", experiment, tmp_path / "csv", "--to", "csv").status == 0
    assert "exists" in one_line(command("export", experiment, tmp_path / "csv", "--to", "csv"))


# What is not whole does not pass for whole


def test_an_unfinished_experiment_is_refused_by_all_that_needs_a_whole_one(command, movie, tracked, out):
    assert command("ingest", movie, "--out", out).status == 0
    for needs_whole in (
        ("link", out),
        ("report", out),
        ("export", out, f"{out}.csv", "--to", "csv"),
        ("evaluate", out, tracked),
    ):
        assert "is unfinished" in one_line(command(*needs_whole))
    assert command("track", movie, "--out", out).status == 0
    assert digests(out) == digests(tracked)


def test_a_new_segmentation_takes_the_old_identities_along(command, experiment, tmp_path):
    assert command("segment", experiment, "--polarity", "dark", "--overwrite").status == 0
    line = one_line(command("export", experiment, tmp_path / "csv", "--to", "csv"))
    assert "link stage has no result" in line


def test_one_bad_movie_of_several_does_not_stop_the_rest(command, movie, tmp_path):
    bad = tmp_path / "bad.tif"
    bad.write_bytes(b"no tiff at all")
    done = command("track", bad, movie, "--out", tmp_path / "out")
    assert done.status == 1
    assert "bad.tif" in done.output
    assert "1 of 2 movies failed" in done.output
    assert (tmp_path / "out" / "movie.ome.zarr" / "report" / "index.html").exists()


@pytest.mark.parametrize("room", ["64k", "200k"])
def test_a_full_disk_is_named_and_the_same_command_completes(command, movie, tracked, disk, room):
    remount(disk, f"size={room}")
    out = disk / "movie.ome.zarr"
    line = one_line(command("track", movie, "--out", out))
    assert str(out) in line
    assert "no space left" in line
    remount(disk, "size=32m")
    assert command("track", movie, "--out", out).status == 0
    assert digests(out) == digests(tracked)


def test_a_read_only_disk_is_named_and_what_lies_there_can_be_read(command, movie, tracked, disk, tmp_path):
    done = shutil.copytree(tracked, disk / "done.ome.zarr")
    remount(disk, "ro")
    line = one_line(command("track", movie, "--out", disk / "new.ome.zarr"))
    assert "read-only" in line
    assert command("export", done, tmp_path / "csv", "--to", "csv").status == 0
    assert "read-only" in one_line(command("export", done, disk / "csv", "--to", "csv"))


def test_names_with_blanks_quotes_and_brackets_are_only_names(command, movie, tmp_path):
    folder = tmp_path / "we ird 'ü\" 粒子 $x;%d{}"
    folder.mkdir()
    odd = Path(shutil.copy(movie, folder / "mo vie [1] 'é\".tif"))
    assert command("track", odd, "--out", folder / "r é'\".ome.zarr").status == 0
    assert (folder / "r é'\".ome.zarr" / "report" / "overlay.mp4").exists()
