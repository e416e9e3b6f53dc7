"""The shipped weights tuned to five labelled frames of au750, measured on the sixth; six times.

The tuned weights are thrown away. ``GRATICULE_BENCH_WEIGHTS=name=file,…`` begins with others.
"""

import os
from pathlib import Path
from typing import Any

import torch
from bench_weights import SHARED, Scores, frame_number, labelled_au750, row, scored, wanted_entrants

from graticule.training.run import train
from graticule.training.settings import train_settings

STEPS, BATCH, SIZE = 40, 8, 224
CROPS = STEPS * BATCH
"""Of :data:`SIZE` pixels: a minute or two on one core."""


def measure(folder: Path) -> list[str]:
    """Return a table of all weights, tuned."""
    torch.set_num_threads(os.cpu_count() or 1)
    (movie,) = labelled_au750()
    lines = [
        f"Labelled frames of au750, each by weights tuned to the five others ({CROPS} crops of {SIZE} px)."
        " Mean over frames [95 % bootstrap interval].",
        "",
        "| images | segmenter | IoU | Dice | AP50 | PQ | count error |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, options in wanted_entrants().items():
        if name == "threshold":
            continue
        scores = Scores()
        for left_out in sorted(movie.truth):
            weights = _tuned(name, options.get("weights", "builtin"), left_out, folder)
            scores.add(scored(name, {"weights": weights}, [movie.only(left_out)]))
            print(f"{name} frame {left_out + 1}: IoU {scores.iou[-1]:.4f}", flush=True)
        lines.append(f"| {row(name, scores, parted=False)}")
    return lines


def _tuned(name: str, start: str, left_out: int, folder: Path) -> str:
    """Return the weights after a short training on the other frames."""
    data = folder / f"without-{left_out}"
    frames, masks = SHARED / "au750" / "frames", SHARED / "au750" / "masks"
    for part in ("frames", "masks"):
        (data / part).mkdir(parents=True, exist_ok=True)
    for mask in masks.iterdir():
        if frame_number(mask) - 1 != left_out:
            _linked(data / "masks" / mask.name, mask)
            _linked(data / "frames" / mask.name, next(frames.glob(f"{mask.stem}.*")))
    overrides: dict[str, Any] = {
        "epochs": 1,
        "steps": STEPS,
        "batch": BATCH,
        "size": SIZE,
        "warmup": 10,
        "learning_rate": 3e-4,
        "start": start,
    }
    settings = train_settings(
        model=name,
        data=[str(data)],
        validation=["synthetic:easy"],
        validated=1,
        out=str(folder / f"{name}-{left_out}"),
        recipe="ship-4",
        overrides=overrides,
        registered=False,
    )
    train(settings)
    return str(folder / f"{name}-{left_out}" / name / "weights.safetensors")


def _linked(link: Path, to: Path) -> None:
    if not link.exists():
        link.symlink_to(to)
