"""Drawn cases: small movies as text, with the identities and events that are right.

Frames stand side by side. A letter is a track; its capital is another piece of the same
body, cut off by the segmenter. ``.`` is background. A first line like ``3x 2x`` repeats
frames. Each character becomes a square of :data:`PIXELS` px on a textured film, so that
drift can be measured; ``steps`` moves film and particles alike, in px per frame.
"""

from dataclasses import dataclass, field

import numpy as np
from scipy import ndimage

from graticule.core.lineage import Lineage

PIXELS = 8


@dataclass(frozen=True, kw_only=True)
class Case:
    """A drawing and the truth about it; events as (kind, frame, parents, children)."""

    name: str
    drawing: str
    events: tuple[tuple[str, int, str, str], ...] = ()
    drift: tuple[tuple[int, int], ...] = field(default=())

    def __str__(self) -> str:
        return self.name

    @property
    def frames(self) -> list[list[str]]:
        """The rows of each frame, repeats included."""
        lines = [line.split() for line in self.drawing.strip().splitlines()]
        times = [1] * len(lines[0])
        if lines[0][0].endswith("x"):
            times = [int(word[:-1]) for word in lines.pop(0)]
        columns = [list(rows) for rows in zip(*lines, strict=True)]
        return [rows for rows, n in zip(columns, times, strict=True) for _ in range(n)]


@dataclass(frozen=True)
class Drawn:
    """Pixels of a case, and per frame the letter behind each label."""

    images: np.ndarray
    labels: np.ndarray
    letters: list[dict[int, str]]


def draw(case: Case) -> Drawn:
    """Return the movie of a case: dark particles on a textured film."""
    frames = [np.array([list(row) for row in rows]) for rows in case.frames]
    letters = [dict(enumerate(sorted(set(frame.ravel()) - {"."}), start=1)) for frame in frames]
    labels = np.stack([_labels(frame, names) for frame, names in zip(frames, letters, strict=True)])
    steps = np.cumsum(np.array(case.drift or [(0, 0)] * len(frames)), axis=0)
    labels = np.stack([_moved(frame, step) for frame, step in zip(labels, steps, strict=True)])
    film = _film(labels.shape[1:], room=int(np.abs(steps).max()))
    images = np.stack([_photographed(frame, film, step) for frame, step in zip(labels, steps, strict=True)])
    return Drawn(images, labels, letters)


def identities(lineage: Lineage, drawn: Drawn) -> dict[str, int]:
    """Return the track of each letter.

    Raises:
        AssertionError: If a letter has two tracks, or a track two letters.
    """
    found: dict[str, int] = {}
    for frame, label, track in zip(lineage.frame, lineage.label, lineage.track, strict=True):
        letter = drawn.letters[frame][int(label)].lower()
        assert found.setdefault(letter, int(track)) == track, f"{letter!r} changes its track in frame {frame}"
    assert len(set(found.values())) == len(found), f"letters share a track: {found}"
    return found


def events_by_letter(lineage: Lineage, drawn: Drawn) -> set[tuple[str, int, str, str]]:
    """Return the events with letters for tracks."""
    letter = {track: name for name, track in identities(lineage, drawn).items()}
    return {
        (
            event.kind,
            event.frame,
            "".join(sorted(letter[track] for track in event.parents)),
            "".join(sorted(letter[track] for track in event.children)),
        )
        for event in lineage.events
    }


def _labels(frame: np.ndarray, names: dict[int, str]) -> np.ndarray:
    small = np.zeros(frame.shape, np.uint32)
    for label, name in names.items():
        small[frame == name] = label
    return np.kron(small, np.ones((PIXELS, PIXELS), np.uint32))


def _moved(labels: np.ndarray, step: np.ndarray) -> np.ndarray:
    return ndimage.shift(labels, step, order=0, mode="constant")


def _film(shape: tuple[int, int], room: int) -> np.ndarray:
    size = tuple(edge + 2 * room for edge in shape)
    noise = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=size), 1.5)
    return np.pad(120 + 40 * noise / noise.std(), 1)


def _photographed(labels: np.ndarray, film: np.ndarray, step: np.ndarray) -> np.ndarray:
    room = (np.array(film.shape) - labels.shape) // 2
    y, x = room - step
    part = film[y : y + labels.shape[0], x : x + labels.shape[1]]
    return np.clip(np.where(labels > 0, part - 50, part), 0, 255).astype(np.uint8)
