"""Peak memory of workers and driver on a short and on a long movie."""

import subprocess
from pathlib import Path

from watched import Watched, watch

from local_head import BIN, local_head

FRAMES = (200, 2000)


def measure(folder: Path) -> list[str]:
    """Return the table of the benchmark."""
    peaks = [_peak(folder, frames) for frames in FRAMES]
    short, long = (peak.total for peak in peaks)
    rows = [
        f"| {n} | {p.processes:.0f} | {p.store:.1f} | {p.total:.0f} | {p.seconds:.0f} |"
        for n, p in zip(FRAMES, peaks, strict=True)
    ]
    return [
        "Submitted job on 512 x 512 `easy`: largest sum of proportional set sizes over workers and"
        " driver, less the idle head's, plus the object store's high-water mark.",
        "",
        "| frames | processes MiB | object store MiB | sum MiB | job s |",
        "|---|---|---|---|---|",
        *rows,
        "",
        f"**{abs(long / short - 1):.1%} apart** (asked: within 10 %).",
    ]


def _peak(folder: Path, frames: int) -> Watched:
    source, out = folder / f"{frames}.ome.zarr", folder / f"{frames}-out.ome.zarr"
    simulate = ["simulate", str(source), "--preset", "easy", "--frames", str(frames), "--seed", "1"]
    subprocess.run([str(BIN / "graticule"), *simulate], check=True)
    with local_head(cpus=2, log=folder / f"{frames}.log") as head:
        watched = watch(head, source, "--out", out)
    if watched.status:
        raise RuntimeError(f"the job on {frames} frames failed:\n{watched.output}")
    return watched
