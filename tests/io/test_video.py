"""Videos: any run of frames is the same slice of a full decode."""

import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graticule.core.errors import InputError
from graticule.io import open_movie
from graticule.io.video_pixels import to_pixels

FRAMES, HEIGHT, WIDTH = 53, 64, 98


def scene(frames: int = FRAMES) -> np.ndarray:
    """Frames that tell themselves apart: a bright bar walks over noise."""
    noise = np.random.default_rng(0).integers(60, 90, (frames, HEIGHT, WIDTH)).astype(np.uint8)
    for index, frame in enumerate(noise):
        frame[:, (3 * index) % WIDTH] = 240
        frame[:8, : index + 1] = 200
    return noise


def write_video(
    path: Path, frames: np.ndarray, *, codec="libx264", pix_fmt="yuv420p", container=None, **options
):
    with av.open(str(path), "w", options=container or {}) as video:
        stream = video.add_stream(codec, rate=25, options={key: str(value) for key, value in options.items()})
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = pix_fmt
        for pixels in frames:
            kind = "gray" if pixels.ndim == 2 else "rgb24"
            video.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format=kind)))
        video.mux(stream.encode())
    return path


def write_deep(path: Path, *, luma: np.ndarray) -> Path:
    """Write one frame of 10-bit luma without a conversion, which FFmpeg's threads do wrong."""
    frame = av.VideoFrame(WIDTH, HEIGHT, "yuv420p10le")
    for plane, value in zip(frame.planes, (luma, 512, 512), strict=True):
        rows = np.zeros((plane.height, plane.line_size // 2), "<u2")
        rows[:, : plane.width] = value
        plane.update(rows.tobytes())
    with av.open(str(path), "w") as video:
        stream = video.add_stream("ffv1", rate=25)
        stream.height, stream.width, stream.pix_fmt = HEIGHT, WIDTH, "yuv420p10le"
        video.mux(stream.encode(frame))
        video.mux(stream.encode())
    return path


KINDS = {
    "closed-gop.mp4": {"g": 12, "bf": 0, "sc_threshold": 0},
    "b-frames.mp4": {"g": 17, "bf": 3, "x264-params": "b-adapt=0:scenecut=0"},
    "open-gop.mp4": {"g": 10, "bf": 3, "x264-params": "open-gop=1:b-adapt=0:scenecut=0"},
    "one-gop.mkv": {"g": 250, "bf": 2},
    "open-gop.mkv": {"g": 10, "bf": 3, "x264-params": "open-gop=1:b-pyramid=2:b-adapt=0"},
    "b-frames.mov": {"g": 9, "bf": 2},
    "all-intra.avi": {"g": 1, "codec": "mjpeg", "pix_fmt": "yuvj420p"},
    "mpeg4.avi": {"g": 8, "codec": "mpeg4", "bf": 0},
    "mpeg4-b.avi": {"g": 8, "codec": "mpeg4", "bf": 2},
    "h264-b.avi": {"g": 8, "bf": 2},
    "mpeg4-b.mp4": {"g": 8, "codec": "mpeg4", "bf": 2},
    "lossless.mkv": {"codec": "ffv1", "pix_fmt": "gray"},
    "vp9.webm": {"codec": "libvpx-vp9", "g": 11, "deadline": "realtime", "cpu-used": 8},
}


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("videos")
    return {name: write_video(folder / name, scene(), **dict(options)) for name, options in KINDS.items()}


@pytest.mark.parametrize("name", KINDS)
def test_any_run_of_frames_is_the_slice_of_a_full_decode(videos, name):
    path = str(videos[name])
    with av.open(path) as container:
        decoded = sum(1 for _ in container.decode(video=0))
    movie = open_movie(path)
    whole = movie.read(0, movie.shape[0])
    assert movie.shape == (decoded, HEIGHT, WIDTH)
    assert decoded == FRAMES
    assert (whole[1:] != whole[:-1]).any(axis=(1, 2)).all()
    order = np.random.default_rng(1).permutation(FRAMES - 1)[:12]
    for start in (*order, 0, FRAMES - 1, 9, 10, 11):
        stop = min(FRAMES, int(start) + 3)
        np.testing.assert_array_equal(open_movie(path).read(int(start), stop), whole[start:stop])
        np.testing.assert_array_equal(movie.read(int(start), stop), whole[start:stop])


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(runs=st.lists(st.tuples(st.integers(0, FRAMES - 1), st.integers(1, 20)), min_size=1, max_size=5))
def test_reads_in_any_order_agree(videos, runs):
    movie = open_movie(str(videos["open-gop.mp4"]))
    whole = open_movie(str(videos["open-gop.mp4"])).read(0, FRAMES)
    for start, count in runs:
        stop = min(FRAMES, start + count)
        np.testing.assert_array_equal(movie.read(start, stop), whole[start:stop])


def test_frames_come_in_the_order_they_were_written(videos):
    whole = open_movie(str(videos["b-frames.mp4"])).read(0, FRAMES)
    bar = whole[:, 16:].astype(float).mean(axis=1).argmax(axis=1)
    np.testing.assert_array_equal(bar, [(3 * index) % WIDTH for index in range(FRAMES)])


def cut_start(source: Path, target: Path, *, seconds: float) -> Path:
    """Copy packets, with time stamps moved so that the first ones lie before zero: an edit list."""
    with av.open(str(source)) as old, av.open(str(target), "w") as new:
        stream = old.streams.video[0]
        copy = new.add_stream_from_template(stream)
        offset = round(seconds / stream.time_base)
        for packet in old.demux(stream):
            if packet.dts is not None:
                packet.pts, packet.dts, packet.stream = packet.pts + offset, packet.dts + offset, copy
                new.mux(packet)
    return target


@pytest.mark.parametrize("seconds", [-0.4, 0.4, 2.0])
def test_an_edit_list_or_a_late_start_moves_no_frame(videos, tmp_path, seconds):
    path = str(cut_start(videos["b-frames.mp4"], tmp_path / "cut.mp4", seconds=seconds))
    with av.open(path) as container:
        shown = [frame.pts for frame in container.decode(video=0)]
    movie = open_movie(path)
    assert movie.shape[0] == len(shown)
    whole = movie.read(0, len(shown))
    source = open_movie(str(videos["b-frames.mp4"])).read(0, FRAMES)
    np.testing.assert_array_equal(whole, source[FRAMES - len(shown) :])
    for start in range(0, len(shown), 5):
        np.testing.assert_array_equal(open_movie(path).read(start, start + 1), whole[start : start + 1])


def test_a_lossless_grey_video_keeps_every_value(videos):
    np.testing.assert_array_equal(open_movie(str(videos["lossless.mkv"])).read(0, FRAMES), scene())


@pytest.mark.parametrize(("pix_fmt", "codec"), [("bgr0", "ffv1"), ("rgb24", "png"), ("gray", "rawvideo")])
def test_grey_in_colour_stays_what_it_was(tmp_path, pix_fmt, codec):
    frames = scene(4)
    path = write_video(tmp_path / "a.avi", np.repeat(frames[..., None], 3, -1), codec=codec, pix_fmt=pix_fmt)
    np.testing.assert_array_equal(open_movie(str(path)).read(0, 4), frames)


def test_full_range_luma_is_not_spread(tmp_path):
    path = write_video(tmp_path / "a.avi", scene(4), codec="mjpeg", pix_fmt="yuvj420p")
    assert abs(open_movie(str(path)).read(0, 4).mean() - scene(4).mean()) < 1


def test_studio_range_is_spread_to_the_full_one(tmp_path):
    ramp = np.broadcast_to(np.linspace(0, 255, 96).astype(np.uint8), (3, 64, 96))
    path = write_video(tmp_path / "ramp.mp4", ramp, crf=1)
    found = open_movie(str(path)).read(0, 3)
    assert np.abs(found.astype(int) - ramp).max() <= 4


def test_ten_bit_luma_is_sixteen_bit_grey(tmp_path):
    path = str(write_deep(tmp_path / "deep.mkv", luma=np.full((HEIGHT, WIDTH), 503)))
    spread = round((503 - 64) * 1023 / 876)
    movie = open_movie(path)
    assert movie.dtype == np.uint16
    np.testing.assert_array_equal(movie.read(0, 1), np.full((1, HEIGHT, WIDTH), spread))


def test_packed_ten_bit_luma_reads_the_same_each_time(tmp_path):
    frame = av.VideoFrame(WIDTH, HEIGHT, "y210le")
    noise = np.random.default_rng(3).integers(0, 255, frame.planes[0].buffer_size, dtype=np.uint8)
    frame.planes[0].update(noise.tobytes())
    first = to_pixels(frame)
    for _ in range(40):
        np.testing.assert_array_equal(to_pixels(frame), first)


def test_the_playback_rate_is_no_calibration(videos):
    movie = open_movie(str(videos["closed-gop.mp4"]))
    assert movie.calibration.frame_interval_s is None
    assert len(movie.notes) == 1
    assert "--frame-interval-s" in movie.notes[0]


def test_the_run_hint_is_the_key_frame_distance(videos):
    assert open_movie(str(videos["closed-gop.mp4"])).run_hint == 12
    assert open_movie(str(videos["all-intra.avi"])).run_hint == 1


def test_a_video_pickles_small_and_reads_again(videos):
    movie = open_movie(str(videos["b-frames.mp4"]))
    expected = movie.read(20, 25)
    content = pickle.dumps(movie)
    assert len(content) < 3000
    np.testing.assert_array_equal(pickle.loads(content).read(20, 25), expected)


def test_threads_may_read_one_movie_at_once(videos):
    movie = open_movie(str(videos["b-frames.mp4"]))
    whole = movie.read(0, FRAMES)
    with ThreadPoolExecutor(4) as pool:
        frames = list(pool.map(lambda index: movie.read(index, index + 1)[0], range(FRAMES)))
    np.testing.assert_array_equal(frames, whole)


def test_a_video_without_its_index_says_so(videos, tmp_path):
    path = tmp_path / "cut.mp4"
    content = videos["closed-gop.mp4"].read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match=r"cut\.mp4 .*truncated"):
        open_movie(str(path))


@pytest.mark.parametrize("part", [0.5, 0.9, 0.99])
def test_a_video_that_ends_in_the_middle_says_so(tmp_path, part):
    whole = write_video(tmp_path / "whole.mp4", scene(), container={"movflags": "faststart"}, g=12)
    path = tmp_path / "cut.mp4"
    path.write_bytes(whole.read_bytes()[: int(whole.stat().st_size * part)])
    with pytest.raises(InputError, match=r"cut\.mp4 .*(truncated|damaged)"):
        open_movie(str(path)).read(0, FRAMES)


def test_sound_alone_is_no_movie(tmp_path):
    with av.open(str(tmp_path / "sound.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=44100)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 44100
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    with pytest.raises(InputError, match="no video"):
        open_movie(str(tmp_path / "sound.mp4"))


@pytest.mark.parametrize("name", ["list.mp4", "list.mkv", "list.avi"])
@pytest.mark.parametrize(
    "text",
    [
        "ffconcat version 1.0\nfile own.mp4\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:1,\nown.mp4\n#EXT-X-ENDLIST\n",
    ],
    ids=["concat", "hls"],
)
def test_a_list_of_other_files_is_no_video_whatever_its_name(tmp_path, name, text):
    write_video(tmp_path / "own.mp4", scene(3))
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match="cannot be opened as a video"):
        open_movie(str(tmp_path / name))
