"""Ingest against zarr alone writing the same array."""

import time
from pathlib import Path

import av
import numpy as np
import tifffile
import zarr
from steady import start_up, steady_rate

from graticule.core.calibration import Calibration
from graticule.core.movie import Movie
from graticule.core.progress import ignore
from graticule.io import open_movie
from graticule.pipeline.ingest import ingest_step
from graticule.pipeline.on_ray import RunOnRay
from graticule.pipeline.pyramid import pyramid_scheduler
from graticule.pipeline.session import ray_session
from graticule.storage.experiment import Experiment
from graticule.synthetic import simulate

FRAMES, SIZE = 200, 2048


def measure(folder: Path) -> list[str]:
    """Return the table of the benchmark."""
    stack = _stack(folder / "stack.tif")
    mib = FRAMES * SIZE**2 / 2**20
    with ray_session(workers=2):
        _ingest(open_movie(str(_stack(folder / "warm.tif", frames=24))), folder / "warm.ome.zarr")
        rate, startup, pyramid = _ingest(open_movie(str(stack)), folder / "tiff.ome.zarr")
        video = _video(stack, folder / "stack.mp4")
        video_rate, _, _ = _ingest(open_movie(str(video)), folder / "video.ome.zarr")
    alone = _zarr_alone(stack, folder)
    mb = SIZE**2 / 1e6
    return [
        f"Uncompressed TIFF stack of {SIZE} x {SIZE} x {FRAMES} uint8 ({mib:.0f} MiB), two workers.",
        "",
        "| what | MB/s |",
        "|---|---|",
        f"| ingest, level 0, steady state | {rate * mb:.0f} |",
        f"| zarr alone, same pipeline, codec, chunk, shard | {alone * mb:.0f} |",
        f"| ingest of the same frames from H.264 mp4, level 0 | {video_rate * mb:.0f} |",
        "",
        f"**Ratio {rate / alone:.2f}** (asked: at least 0.5). Start-up of the workers {startup:.2f} s;"
        f" pyramids {pyramid:.2f} s ({FRAMES * mb / pyramid:.0f} MB/s of level 0).",
    ]


def _stack(path: Path, frames: int = FRAMES) -> Path:
    movie = simulate("medium", frames=16, size=SIZE, seed=1)
    scene = [np.clip(frame.image * 3, 0, 255).astype(np.uint8) for frame in movie]
    with tifffile.TiffWriter(path) as writer:
        for index in range(frames):
            writer.write(np.roll(scene[index % 16], index, axis=1), contiguous=True)
    return path


def _ingest(movie: Movie, out: Path) -> tuple[float, float, float]:
    experiment = Experiment.create(
        str(out), name=movie.name, shape=movie.shape, dtype=movie.dtype, calibration=Calibration()
    )
    run = experiment.run("bench-0")
    run.start({}, {})
    submitted = time.time()
    timings = RunOnRay(workers=2)(ingest_step(movie, experiment, run), ignore)
    start = time.perf_counter()
    experiment.build_pyramid("image", scheduler=pyramid_scheduler())
    return steady_rate(timings), start_up(submitted, timings), time.perf_counter() - start


def _zarr_alone(stack: Path, folder: Path) -> float:
    frames = tifffile.imread(stack)
    like = zarr.open_array(folder / "tiff.ome.zarr" / "0", mode="r")
    zarr.create_array(
        folder / "alone.zarr",
        shape=like.shape,
        dtype=like.dtype,
        chunks=like.chunks,
        shards=like.shards,
        compressors=like.compressors,
    )
    with zarr.config.set({"codec_pipeline.path": "zarrs.ZarrsCodecPipeline"}):
        array = zarr.open_array(folder / "alone.zarr", mode="r+")
        start = time.perf_counter()
        array[:] = frames
        return FRAMES / (time.perf_counter() - start)


def _video(stack: Path, path: Path) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"preset": "ultrafast", "crf": "18"})
        stream.width = stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        for frame in tifffile.memmap(stack):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="gray")))
        container.mux(stream.encode())
    return path
