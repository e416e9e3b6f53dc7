"""Small experiments whose content is known: discs that drift, and two that merge."""

from pathlib import Path

import numpy as np
import pytest

from graticule.analysis.bodies import measure_bodies
from graticule.analysis.tables import events_table, frames_table, particles_table, tracks_table
from graticule.core.calibration import Calibration
from graticule.core.lineage import Event
from graticule.storage.experiment import Experiment

KNOWN = Calibration(pixel_size_nm=0.25, frame_interval_s=0.5)


def drawn_movie(frames, size, *, discs=9, dtype=np.uint8, merge=True, seed=0):
    """Return images, track labels, drift and events of discs on a grid; 1 and 2 approach and stay joined."""
    rng = np.random.default_rng(seed)
    side = int(np.ceil(np.sqrt(discs)))
    pitch = size / max(side, 1)
    y, x = np.indices((size, size))
    drift = np.stack([np.arange(frames) * 0.3, np.arange(frames) * -0.2], axis=1)
    images = np.empty((frames, size, size), np.float32)
    labels = np.zeros((frames, size, size), np.uint32)
    child, contact = discs + 1, None
    radii = pitch * (0.2 + 0.08 * (np.arange(discs) % 3))
    for t in range(frames):
        for number in range(discs):
            cy, cx = (np.array(divmod(number, side)) + 0.5) * pitch + drift[t]
            if merge and number == 0:
                cx += pitch * 0.6 * min(t / max(frames / 2, 1), 1)
            labels[t][(y - cy) ** 2 + (x - cx) ** 2 <= radii[number] ** 2] = number + 1
        if merge and discs > 1:
            joined = np.isin(labels[t], (1, 2))
            touch = (labels[t][:, :-1] == 1) & (labels[t][:, 1:] == 2)
            if contact is not None or touch.any():
                contact = t if contact is None else contact
                labels[t][joined] = child
        background = 150 + 40 * x / size
        images[t] = background * np.where(labels[t] > 0, 0.55, 1.0) + rng.normal(0, 12, (size, size))
    events = ()
    if contact:
        at = np.argwhere(labels[contact] == child).mean(axis=0)
        events = (
            Event(
                kind="merge", frame=contact, parents=(1, 2), children=(child,),
                y_px=float(at[0]), x_px=float(at[1]), at_border=False, confidence=0.93,
            ),
        )  # fmt: skip
    if np.issubdtype(dtype, np.integer):
        images = np.clip(images, 0, 255) * (200 if np.dtype(dtype).itemsize > 1 else 1)
    return images.astype(dtype), labels, drift, events


def store(
    root: Path, images, labels, drift, events=(), *, calibration=KNOWN, name="discs", flags=None
) -> Experiment:
    """Write a whole experiment, as the pipeline would."""
    frames = len(images)
    made = Experiment.create(
        str(root), name=name, shape=images.shape, dtype=images.dtype, calibration=calibration
    )
    for kind in ("instances", "tracks"):
        made.create_labels(kind)
    for start in range(0, frames, made.shard_frames):
        part = slice(start, start + made.shard_frames)
        made.write_image(start, images[part])
        made.write_labels("instances", start, labels[part])
        made.write_labels("tracks", start, labels[part])
    for which in ("image", "instances", "tracks"):
        made.build_pyramid(which)
    known = calibration.frame_interval_s is not None
    dates = {"calibration": calibration, "source_frame": np.arange(frames)}
    dates["time_s"] = np.array([made.time_s(t) for t in range(frames)], float) if known else None
    particles = particles_table(measure_bodies(labels, labels, images), **dates)
    happened = events_table(events, **dates)
    seen = frames_table(particles, drift_px=drift, shape=images.shape[1:], flags=flags, **dates)
    tables = {"particles": particles, "events": happened, "frames": seen}
    tables["tracks"] = tracks_table(particles, happened, seen, calibration=calibration)
    for table, content in tables.items():
        made.write_table(table, content)
    run = made.run("segment-0123456789abcdef")
    run.start({"segmenter": "threshold", "notes": ["3 files of other types ignored"]}, {"python": "3.11"})
    return made


@pytest.fixture(scope="session")
def discs(tmp_path_factory) -> Experiment:
    """Forty frames of nine discs, two of which merge; calibrated."""
    movie = drawn_movie(40, 160)
    return store(tmp_path_factory.mktemp("discs") / "discs.ome.zarr", *movie, flags={7: ("dim",)})
