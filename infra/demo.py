"""The demo: simulate a sintering movie, track it through a submitted Ray job, compare with the truth.

Run by ``make demo``; everything lands in ``demo/``.
"""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

from local_head import BIN, local_head

ROOT = Path(__file__).resolve().parents[1]
SIZE = "384"
"""As large as the default segmenter sees in one view: the demo is to take a minute or two on a laptop."""


def main() -> int:
    """Run the demo; return the exit status of the job."""
    options = _options()
    folder = Path(options.out).resolve()
    truth, experiment = folder / "sintering.ome.zarr", folder / "tracked.ome.zarr"
    shutil.rmtree(experiment, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    _simulate(truth, options)
    with local_head(cpus=2, log=folder / "ray.log") as head:
        status = head.submit("python", "jobs/track_dataset.py", str(truth), "--out", str(experiment))
    if status == 0:
        _compare(experiment, truth)
        _say(experiment, truth)
    return status


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default=str(ROOT / "demo"))
    parser.add_argument("--preset", default="medium")
    parser.add_argument("--frames", default="60")
    parser.add_argument("--seed", default="7")
    return parser.parse_args()


def _simulate(truth: Path, options: argparse.Namespace) -> None:
    print("simulating a movie of sintering particles …", flush=True)
    movie = ["--preset", options.preset, "--frames", options.frames, "--seed", options.seed, "--size", SIZE]
    scale = ["--pixel-size-nm", "0.5", "--frame-interval-s", "0.5", "--overwrite"]
    _graticule("simulate", str(truth), *movie, *scale)


def _compare(experiment: Path, truth: Path) -> None:
    print("\nagainst the simulator's truth:", flush=True)
    _graticule("evaluate", str(experiment), str(truth), "--json", str(experiment.parent / "figures.json"))


def _graticule(*arguments: str) -> None:
    subprocess.run([str(BIN / "graticule"), *arguments], check=True)


def _say(experiment: Path, truth: Path) -> None:
    print(f"\nexperiment: {experiment}")
    print(f"overlay:    {experiment / 'report' / 'overlay.mp4'}")
    print(f"report:     {experiment / 'report' / 'index.html'}")
    print(f"truth:      {truth}")


if __name__ == "__main__":
    sys.exit(main())
