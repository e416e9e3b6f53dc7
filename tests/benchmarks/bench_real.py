"""The real movies of ../shared/data through the submitted job, in three forms each."""

import os
from pathlib import Path

import av
import numpy as np
import tifffile
from watched import watch

from graticule.io import open_movie
from graticule.storage.experiment import Experiment
from local_head import local_head

SHARED = Path(os.environ.get("GRATICULE_SHARED_DATA", Path(__file__).parents[3] / "shared" / "data"))
MOVIES = ("au750", "lptem")


def measure(folder: Path) -> list[str]:
    """Return a table of both movies as folder, mp4 and TIFF stack."""
    if not SHARED.is_dir():
        return [f"No real data at {SHARED}; not measured."]
    keep = os.environ.get("GRATICULE_BENCH_KEEP")
    lines = [
        "| movie | as | frames | particles per frame (first, median, last) | tracks | median track length"
        " | appear | vanish | merge | split | job s | peak MiB |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    with local_head(cpus=2, log=folder / "ray.log") as head:
        for name in MOVIES:
            for form, source in _forms(SHARED / name / "frames", folder / name).items():
                out = Path(keep or folder) / f"{name}-{form}.ome.zarr"
                watched = watch(head, source, "--out", out, "--overwrite")
                if watched.status:
                    raise RuntimeError(f"{name} as {form} failed:\n{watched.output}")
                figures = _figures(Experiment.open(str(out)))
                lines.append(f"| {name} | {form} | {figures} | {watched.seconds:.0f} | {watched.total:.0f} |")
    return lines


def _forms(frames: Path, folder: Path) -> dict[str, Path]:
    folder.mkdir()
    movie = open_movie(str(frames))
    pixels = movie.read(0, movie.shape[0])
    tifffile.imwrite(folder / "stack.tif", pixels, photometric="minisblack")
    _encode(pixels, folder / "movie.mp4")
    return {"folder": frames, "mp4": folder / "movie.mp4", "tiff": folder / "stack.tif"}


def _encode(frames: np.ndarray, path: Path) -> None:
    height, width = (edge // 2 * 2 for edge in frames.shape[1:])
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "12"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for frame in frames[:, :height, :width]:
            gray = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="gray")
            container.mux(stream.encode(gray))
        container.mux(stream.encode())


def _figures(experiment: Experiment) -> str:
    counts = experiment.read_table("frames")["particles"].to_numpy()
    tracks = experiment.read_table("tracks")
    kinds = experiment.read_table("events")["kind"].to_pylist()
    events = " | ".join(str(kinds.count(kind)) for kind in ("appear", "vanish", "merge", "split"))
    length = np.median(tracks["frames_seen"].to_numpy())
    per_frame = f"{counts[0]}, {np.median(counts):.0f}, {counts[-1]}"
    return f"{len(counts)} | {per_frame} | {tracks.num_rows} | {length:.0f} | {events}"
