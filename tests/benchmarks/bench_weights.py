"""The shipped weights on images that trained none of them, beside the threshold.

``GRATICULE_BENCH_WEIGHTS=name=file,…`` measures other weights; with ``GRATICULE_BENCH_SETS``
only the named sets.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
import torch

from graticule.core.segmenter import Patch, Segmenter
from graticule.core.window import Window, relative
from graticule.evaluation.instances import mean_scores, score_instances
from graticule.evaluation.intervals import bootstrap_interval
from graticule.evaluation.masks import dice, iou
from graticule.io.folder import open_picture
from graticule.models import registry
from graticule.models.split import components
from graticule.models.weights import has_builtin
from graticule.synthetic import simulate
from graticule.tiling.part import part_of
from graticule.tiling.stitch import stitch
from graticule.tiling.whole import segment_frames
from graticule.tiling.windows import BAND, grown

SHARED = Path(os.environ.get("GRATICULE_SHARED_DATA", Path(__file__).parents[3] / "shared" / "data"))
NETWORKS = ("yolov8n-seg", "swin-unet", "vmamba", "efficient-sam-ti")
HELD_OUT = Path(__file__).with_name("emps_held_out.txt")
SIMULATED_FRAMES, SIMULATED_SEED = 12, 900_001
TILED_EDGE, TILE = 2048, 1024


@dataclass(frozen=True)
class Labelled:
    """Frames of one movie, or a still, and the truth of some of them."""

    frames: np.ndarray
    truth: dict[int, np.ndarray]
    parted: bool = True

    def only(self, frame: int) -> "Labelled":
        """Return the movie with the truth of one frame."""
        return replace(self, truth={frame: self.truth[frame]})


@dataclass
class Scores:
    """By image."""

    iou: list[float] = field(default_factory=list)
    dice: list[float] = field(default_factory=list)
    instances: list[Any] = field(default_factory=list)

    def add(self, others: "Scores") -> None:
        """Add those of more images."""
        self.iou += others.iou
        self.dice += others.dice
        self.instances += others.instances


def measure(folder: Path) -> list[str]:
    """Return a table of all weights on all sets, and how two tilings agree."""
    torch.set_num_threads(os.cpu_count() or 1)
    entrants = wanted_entrants()
    wanted = os.environ.get("GRATICULE_BENCH_SETS", ",".join([*SETS, "tilings"])).split(",")
    lines = [
        "Mean over images [95 % bootstrap interval]. Instance columns only where touching particles"
        " have labels of their own.",
        "",
        "| set | images | segmenter | IoU | Dice | AP50 | PQ | count error |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name in (name for name in SETS if name in wanted):
        movies = list(SETS[name]())
        for entrant, options in entrants.items():
            print(f"{name} {entrant}", flush=True)
            lines.append(f"| {name} | {row(entrant, scored(entrant, options, movies), movies[0].parted)}")
    if "tilings" in wanted:
        lines += ["", *_tilings(entrants)]
    return lines


def wanted_entrants() -> dict[str, dict[str, Any]]:
    """Return the segmenters to be measured, and their options."""
    given = os.environ.get("GRATICULE_BENCH_WEIGHTS", "")
    if given:
        chosen = dict(item.split("=", 1) for item in given.split(","))
        return {"threshold": {}, **{name: {"weights": path} for name, path in chosen.items()}}
    return {"threshold": {}, **{name: {} for name in NETWORKS if has_builtin(name)}}


def row(entrant: str, scores: Scores, parted: bool) -> str:
    """Return the cells of a table's line."""
    instances = mean_scores(scores.instances)
    cells = [str(len(scores.iou)), entrant, _interval(scores.iou), _interval(scores.dice)]
    if parted:
        cells += [_interval([image.average_precision for image in scores.instances])]
        cells += [f"{instances['panoptic_quality']:.3f}", f"{instances['count_error']:.3f}"]
    else:
        cells += ["–"] * 3
    return " | ".join(cells) + " |"


def _interval(values: Sequence[float]) -> str:
    low, high = bootstrap_interval(np.asarray(values))
    return f"{np.mean(values):.4f} [{low:.3f}, {high:.3f}]"


def scored(entrant: str, options: dict[str, Any], movies: list[Labelled]) -> Scores:
    """Return what a segmenter gets right, its options fitted to each movie."""
    scores = Scores()
    for movie in movies:
        seen = [movie.frames[t] for t in np.linspace(0, len(movie.frames) - 1, 5).astype(int)]
        made = registry.create(entrant, **registry.adapt(entrant, options, seen))
        for t, truth in movie.truth.items():
            found = segment_frames(made, movie.frames[t : t + 1], tile=2048)[0]
            scores.iou.append(iou(found > 0, truth > 0))
            scores.dice.append(dice(found > 0, truth > 0))
            scores.instances.append(score_instances(found.astype(np.int64), truth.astype(np.int64)))
    return scores


def _grey(path: Path) -> np.ndarray:
    return open_picture(str(path)).read(0, 1)[0]


def _em4() -> Iterator[Labelled]:
    folder = SHARED / "em4" / "test"
    images, labels = (sorted((folder / part).iterdir(), key=frame_number) for part in ("images", "labels"))
    truth = {t: components(_grey(label) > 0) for t, label in enumerate(labels)}
    yield Labelled(frames=np.stack([_grey(image) for image in images]), truth=truth, parted=False)


def frame_number(path: Path) -> int:
    """Return the number at the end of a file's name."""
    return int(path.stem.rpartition("_")[2])


def _emps() -> Iterator[Labelled]:
    for name in HELD_OUT.read_text().split():
        image, label = (SHARED / "emps" / part / f"{name}.png" for part in ("images", "instances"))
        yield Labelled(frames=_grey(image)[None], truth={0: _grey(label)})


def labelled_au750() -> Iterator[Labelled]:
    """Yield the trial movie."""
    frames, masks = (
        sorted((SHARED / "au750" / part).iterdir(), key=frame_number) for part in ("frames", "masks")
    )
    truth = {frame_number(mask) - 1: components(_grey(mask) > 0) for mask in masks}
    movie = np.stack([_grey(frame) for frame in frames])
    yield Labelled(frames=movie, truth=truth, parted=False)


def _simulated(preset: str) -> Iterator[Labelled]:
    for movie in range(SIMULATED_FRAMES // 4):
        frames = list(simulate(preset, frames=31, size=512, seed=SIMULATED_SEED + movie))[::10]
        truth = {t: frame.labels for t, frame in enumerate(frames)}
        yield Labelled(frames=np.stack([frame.image for frame in frames]), truth=truth)


SETS = {
    "em4": _em4,
    "au750": labelled_au750,
    "emps": _emps,
    "easy": partial(_simulated, "easy"),
    "medium": partial(_simulated, "medium"),
    "hard": partial(_simulated, "hard"),
}


def _tilings(entrants: dict[str, dict[str, Any]]) -> list[str]:
    """Return how the labels of a large frame agree when its tiles begin half a tile further on."""
    (frame,) = simulate("medium", frames=1, size=TILED_EDGE, seed=SIMULATED_SEED)
    lines = [
        f"Instances of a {TILED_EDGE} x {TILED_EDGE} `medium` frame from tiles of {TILE}, against those from"
        " tiles shifted by half a tile (asked: F1 at IoU 0.5 of at least 0.97).",
        "",
        "| segmenter | F1 | instances |",
        "|---|---|---|",
    ]
    for entrant, options in entrants.items():
        made = registry.create(entrant, **registry.adapt(entrant, options, [frame.image]))
        one, other = (_tiled(made, frame.image, first=first) for first in (TILE, TILE // 2))
        score = score_instances(one.astype(np.int64), other.astype(np.int64))
        lines.append(f"| {entrant} | {score.f1:.4f} | {one.max()}, {other.max()} |")
    return lines


def _tiled(segmenter: Segmenter, frame: np.ndarray, *, first: int) -> np.ndarray:
    """Return the labels by way of tiles whose first row and column are ``first`` pixels wide."""
    cuts = [0, *range(first, TILED_EDGE, TILE), TILED_EDGE]
    spans = [slice(a, b) for a, b in pairwise(cuts)]
    statistics = [segmenter.measure(frame)]
    parts = []
    for write in product(spans, spans):
        trusted = grown(write, segmenter.margin + BAND + 1, frame.shape)
        read = grown(trusted, segmenter.context, frame.shape)
        window = Window(start=0, stop=1, read=read, trusted=trusted, write=write)
        patch = Patch(pixels=frame[read][None], trusted=relative(trusted, read))
        labels = segmenter.segment(patch, statistics).labels
        parts.append(part_of(window, labels[(slice(None), *patch.trusted)]))
    return np.asarray(stitch(parts, frame.shape)[0])
