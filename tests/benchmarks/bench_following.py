"""DeAOT's time and memory: flat in the length of a movie, and by crowding and not by count."""

import gc
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import torch

from graticule import tracking
from graticule.core.lineage import Lineage
from graticule.core.window import Window, whole
from graticule.evaluation.tracks import match_tracks, track_scores
from graticule.synthetic import simulate
from graticule.tracking.deaot.follow import Follower
from graticule.tracking.deaot.grouped import GroupCarrier
from graticule.tracking.deaot.network import DeAOT
from graticule.tracking.deaot.tracker import DeAOTTracker
from graticule.tracking.deaot.views import Gathered, View, greys_of, slot_carrier, views_of, zoom_of
from graticule.tracking.whole import painted, track

CPU = torch.device("cpu")
GAP = 5
"""Frames between two additions to the long-term memory, in both."""


def measure(folder: Path, *, weights: str = "builtin") -> list[str]:
    """Return the tables of the benchmark."""
    torch.set_num_threads(2)
    tracker = tracking.create("deaot", weights=weights, device="cpu")
    assert isinstance(tracker, DeAOTTracker)
    network, _ = tracker.network
    return [*_endless(tracker, network), "", *_crowded(tracker, network), "", *_alike(tracker, network)]


# -- a movie without end -----------------------------------------------------------------


def _endless(tracker: DeAOTTracker, network: DeAOT) -> list[str]:
    follower, memory = None, []
    seconds, resident = [], []
    process = psutil.Process()
    for t, (grey, labels) in enumerate(_walk(edge=257, across=5, down=4, radius=9.0, frames=2000)):
        began = time.process_time()
        if follower is None:
            (view,) = views_of((257, 257), tracker.settings, zoom=1.0)
            carrier = slot_carrier(network, view.lens, tracker.settings, device=CPU)
            follower = Follower(carrier, tracker.settings)
            follower.start(t, grey, labels)
        else:
            follower.step(t, grey, labels)
        seconds.append(time.process_time() - began)
        resident.append(process.memory_info().rss)
        memory.append(len(carrier.memory))
    early, late = slice(100, 200), slice(1900, 2000)
    slower = float(np.median(seconds[late]) / np.median(seconds[early]))
    larger = float(np.mean(resident[late]) / np.mean(resident[early]))
    rows = [
        f"| {name} | {np.median(seconds[part]):.3f} | {np.mean(resident[part]) / 2**20:.0f}"
        f" | {np.mean(memory[part]):.0f} |"
        for name, part in (("100 to 200", early), ("1900 to 2000", late))
    ]
    return [
        "20 lasting objects on 257 x 257, 2,000 frames in one run.",
        "",
        "| frames | median CPU s a frame | resident MiB | tokens remembered |",
        "|---|---|---|---|",
        *rows,
        "",
        f"**Time ratio {slower:.3f}** (asked: within 10 %)."
        f" **Memory ratio {larger:.3f}** (asked: within 5 %).",
    ]


def _walk(
    *, edge: int, across: int, down: int, radius: float, frames: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield frames of discs that never leave their place by more than a radius, and their labels."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:edge, :edge].astype(np.float32)
    home = np.stack(np.meshgrid(np.arange(down), np.arange(across), indexing="ij"), -1).reshape(-1, 2)
    home = (home + 0.5) * (edge / np.array([down, across]))
    off = np.zeros_like(home)
    for _ in range(frames):
        off = 0.9 * off + rng.normal(0, 0.6, off.shape)
        labels = np.zeros((edge, edge), np.uint32)
        for label, (row, column) in enumerate(home + off, 1):
            box = np.s_[
                max(int(row - radius), 0) : int(row + radius) + 2,
                max(int(column - radius), 0) : int(column + radius) + 2,
            ]
            labels[box][(y[box] - row) ** 2 + (x[box] - column) ** 2 <= radius**2] = label
        grey = np.where(labels > 0, 0.35, 0.65) + rng.normal(0, 0.1, labels.shape)
        yield np.clip(grey, 0, 1).astype(np.float32), labels


# -- many objects ------------------------------------------------------------------------


def _crowded(tracker: DeAOTTracker, network: DeAOT) -> list[str]:
    frames = list(_walk(edge=1025, across=20, down=20, radius=10.0, frames=4))
    views = views_of((1025, 1025), tracker.settings, zoom=1.0)
    ours = [
        Follower(slot_carrier(network, v.lens, tracker.settings, device=CPU), tracker.settings) for v in views
    ]
    (one,) = views_of((1025, 1025), tracker.settings.model_copy(update={"view_px": 1025}), zoom=1.0)
    theirs = [Follower(GroupCarrier(network, one.lens, memory_gap=GAP), tracker.settings)]
    fast, slow = _seconds(ours, views, frames), _seconds(theirs, [one], frames)
    return [
        "400 objects on 1025 x 1025, seconds a frame (mean of 3), the same network, two threads.",
        "",
        "| objects in | s |",
        "|---|---|",
        f"| groups of ten, as published | {slow:.2f} |",
        f"| shared slots, {len(views)} view{'s' if len(views) > 1 else ''} | {fast:.2f} |",
        "",
        f"**Ratio {slow / fast:.1f}** (asked: at least 15).",
    ]


def _seconds(
    followers: list[Follower], views: list[View], frames: list[tuple[np.ndarray, np.ndarray]]
) -> float:
    gc.collect()
    for follower, view in zip(followers, views, strict=True):
        follower.start(0, frames[0][0][view.read], frames[0][1][view.read])
    began = time.perf_counter()
    for t, (grey, labels) in enumerate(frames[1:], 1):
        for follower, view in zip(followers, views, strict=True):
            follower.step(t, grey[view.read], labels[view.read])
    return (time.perf_counter() - began) / (len(frames) - 1)


# -- the same identities -----------------------------------------------------------------


def _alike(tracker: DeAOTTracker, network: DeAOT) -> list[str]:
    movie = list(simulate("medium", frames=30, size=512, seed=31))
    images, labels = np.stack([f.image for f in movie]), np.stack([f.labels for f in movie])
    ours = track(tracker, images, labels)
    theirs = _by_groups(tracker, network, images, labels)
    sides = [painted(labels, lineage) for lineage in (ours, theirs)]
    scores = track_scores(match_tracks(zip(*sides, strict=True)))
    return [
        "30 frames of 512 x 512 `medium`, true masks: identities by shared slots and by groups of ten.",
        "",
        f"**IDF1 between both {scores.idf1:.4f}** (asked: at least 0.99), {scores.truth_tracks} and"
        f" {scores.predicted_tracks} tracks.",
    ]


def _by_groups(tracker: DeAOTTracker, network: DeAOT, images: np.ndarray, labels: np.ndarray) -> Lineage:
    frames, shape = len(labels), labels.shape[1:]
    (view,) = views_of(shape, tracker.settings, zoom=zoom_of(labels, tracker.settings.diameter_px))
    follower = Follower(GroupCarrier(network, view.lens, memory_gap=GAP), tracker.settings)
    window = Window(start=0, stop=frames, read=whole(shape), trusted=whole(shape), write=whole(shape))
    gathered, grey = Gathered(window, shape[1]), greys_of(images, labels)
    follower.start(0, grey[0], labels[0])
    for t in range(1, frames):
        gathered.add(t, follower.step(t, grey[t], labels[t]), labels[t], view)
    observed = [tracker.observe(images, labels, first=0)]
    return tracker.resolve(observed, frames=frames, shape=shape, followed=[gathered.arrays()])
