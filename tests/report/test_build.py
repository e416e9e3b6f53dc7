from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from graticule.core.calibration import Calibration
from graticule.core.errors import ExperimentError
from graticule.report import build
from graticule.storage.experiment import Experiment

from .conftest import drawn_movie, store

UNKNOWN = Calibration()


def opened(paths):
    with av.open(paths["overlay"]) as container:
        stream = container.streams.video[0]
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(stream)]
        return stream.codec_context, frames


@pytest.fixture(scope="module")
def built(discs):
    seen = []
    return build(discs, listener=seen.append), seen


def test_page_movie_and_key_frames_lie_where_it_says(built, discs):
    paths, _ = built
    assert paths["page"] == discs.path("report", "index.html")
    assert Image.open(paths["keyframes"]).size[0] == 1440


def test_every_frame_is_reported_to_the_listener(built):
    _, seen = built
    assert [event.done for event in seen] == list(range(1, 41))
    assert {(event.stage, event.total) for event in seen} == {("report", 40)}


def test_the_overlay_plays_in_browsers(built):
    codec, frames = opened(built[0])
    assert (codec.name, codec.pix_fmt) == ("h264", "yuv420p")
    assert len(frames) == 40
    head = Path(built[0]["overlay"]).read_bytes()[:4096]
    assert head.index(b"moov") < 4096


def test_outlines_have_the_colour_of_their_track(built):
    _, frames = opened(built[0])
    saturation = frames[0].max(axis=2).astype(int) - frames[0].min(axis=2)
    assert (saturation > 60).sum() > 500


def test_the_page_is_small(built):
    assert len(Path(built[0]["page"]).read_text()) < 2_000_000


EDGE_CASES = {
    "no particle": {"frames": 5, "size": 64, "discs": 0},
    "one frame": {"frames": 1, "size": 64, "discs": 4, "merge": False},
    "16 bit": {"frames": 3, "size": 64, "discs": 4, "dtype": np.uint16},
    "float": {"frames": 3, "size": 64, "discs": 4, "dtype": np.float32},
    "odd size": {"frames": 3, "size": 615, "discs": 4},
    "tiny": {"frames": 3, "size": 9, "discs": 1, "merge": False},
}


@pytest.mark.parametrize("case", EDGE_CASES)
def test_unusual_movies_have_a_report_too(case, tmp_path):
    movie = drawn_movie(**EDGE_CASES[case])
    paths = build(store(tmp_path / "e", *movie, calibration=UNKNOWN))
    codec, frames = opened(paths)
    assert len(frames) == EDGE_CASES[case]["frames"]
    assert codec.width % 2 == codec.height % 2 == 0
    assert "pixel size unknown" in Path(paths["page"]).read_text()


def test_frames_larger_than_the_canvas_come_from_a_coarser_level(tmp_path):
    images = np.full((2, 700, 1500), 90, np.uint8)
    labels = np.zeros(images.shape, np.uint32)
    labels[:, 300:400, 700:800] = 1
    paths = build(store(tmp_path / "e", images, labels, np.zeros((2, 2))))
    codec, _ = opened(paths)
    assert (codec.width, codec.height) == (750, 350)


def test_a_frame_without_finite_values_is_black_and_flagged(tmp_path):
    images, labels, drift, _ = drawn_movie(4, 64, discs=4, dtype=np.float32, merge=False)
    images[2], labels[2], drift[2] = np.nan, 0, np.nan
    paths = build(store(tmp_path / "e", images, labels, drift, flags={2: ("not finite",)}))
    _, frames = opened(paths)
    assert np.median(frames[2]) < 20 < np.median(frames[1])
    assert "Flagged frames: 2 (not finite)" in Path(paths["page"]).read_text()


def test_an_experiment_that_is_not_linked_says_what_to_run(tmp_path):
    made = Experiment.create(
        str(tmp_path / "e"), name="raw", shape=(2, 8, 8), dtype=np.uint8, calibration=UNKNOWN
    )
    with pytest.raises(ExperimentError, match="graticule link"):
        build(made)
