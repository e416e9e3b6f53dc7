"""All trackers on simulated movies of three seeds that no training had, on the same instances.

``GRATICULE_BENCH_WEIGHTS=file`` gives deaot other weights.
"""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from graticule.report.comparison.values import Mean
from graticule.report.trackers import METRICS, Group, Row
from graticule.training.tracker_comparison import Asked, compare_trackers, entrants_of
from graticule.training.tracker_comparison.movies import Making

SEEDS = (101, 102, 103)
PRESETS = ("hard", "medium", "easy")
ASKED = {"synthetic:easy": (0.99, 0.95), "synthetic:medium": (0.97, 0.9)}
"""IDF1, and F1 of merges within four frames."""
SHOWN = ("idf1", "hota", "tra", "switches", "fragmentations", "merge_f1_1", "merge_f1_4")


def measure(folder: Path) -> list[str]:
    """Return a table of all trackers for each preset and segmentation."""
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        found = list(pool.map(lambda preset: _compared(preset, folder), PRESETS))
    lines = [
        f"100 frames of 512 x 512, seeds {', '.join(map(str, SEEDS))}. Mean over movies [95 % bootstrap"
        " interval] (more than `overlap`, movie by movie). A thread each, two comparisons at a time.",
    ]
    for groups in reversed(found):
        for group in groups:
            lines += ["", *_table(group)]
    return lines


def _compared(preset: str, folder: Path) -> Sequence[Group]:
    weights = os.environ.get("GRATICULE_BENCH_WEIGHTS")
    asked = Asked(
        data=(f"synthetic:{preset}",),
        segmentations=("truth", "yolov8n-seg"),
        making=Making(frames=100, size=512, seeds=SEEDS),
    )
    entrants = entrants_of(["all"], {"deaot.weights": weights} if weights else {})
    done = compare_trackers(entrants, folder / preset, asked)
    assert not done.troubles, done.troubles
    groups = done.comparison.groups
    print(*(line for group in groups for line in ("", *_table(group))), sep="\n", flush=True)
    return groups


def _table(group: Group) -> Iterator[str]:
    asked = ASKED.get(group.data)
    said = f" (asked: IDF1 {asked[0]}, merge F1 within 4 {asked[1]})" if asked else ""
    heads = ["tracker", "frames/s", *(METRICS[name].heading for name in SHOWN)]
    yield f"`{group.data}`, instances of {group.segmentation}, {group.movies} movies{said}:"
    yield ""
    yield f"| {' | '.join(heads)} |"
    yield "|---" * len(heads) + "|"
    for row in group.rows:
        yield f"| {row.name} | {row.frames_per_s:.3g} | {' | '.join(_cell(row, name) for name in SHOWN)} |"


def _cell(row: Row, metric: str) -> str:
    mean, more = row.means.get(metric), row.differences.get(metric)
    if mean is None:
        return "–"
    digits = METRICS[metric].digits
    digits = max(digits, 4) if metric == "idf1" else digits
    shown = _interval(mean, digits, sign="")
    return shown if more is None else f"{shown} ({_interval(more, digits, sign='+')})"


def _interval(mean: Mean, digits: int, *, sign: str) -> str:
    value = f"{mean.value:{sign}.{digits}f}"
    return (
        value
        if mean.low == mean.high
        else f"{value} [{mean.low:{sign}.{digits}f}, {mean.high:{sign}.{digits}f}]"
    )
