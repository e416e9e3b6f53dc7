"""What two experiments of one movie both show: frames and pixels, numbered as in the source."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from graticule.core.errors import InputError
from graticule.core.lineage import Event
from graticule.core.window import Box, relative
from graticule.evaluation.events import events_of
from graticule.storage.experiment import Experiment
from graticule.storage.layout import LabelKind


@dataclass(frozen=True, kw_only=True, slots=True)
class SharedView:
    """The frames that both have, by index in each, and the box (source pixels) that both cover."""

    ours: Experiment
    theirs: Experiment
    frames: list[tuple[int, int]]
    box: Box

    def labels(self, kind: LabelKind) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the labels (y, x) of ours and of theirs in the box, frame by frame."""
        for mine, other in self.frames:
            yield self._labels(self.ours, kind, mine), self._labels(self.theirs, kind, other)

    def events(self) -> tuple[list[Event], list[Event]]:
        """Return the events of ours and of theirs that both can have seen; places in source pixels.

        An event is a change from the frame before: one in the first frame is not in view.
        """
        return self._events(self.ours), self._events(self.theirs)

    def _labels(self, experiment: Experiment, kind: LabelKind, index: int) -> np.ndarray:
        box = relative(self.box, _box(experiment))
        return np.asarray(experiment.read_labels(kind, index, index + 1, box)[0], np.int64)

    def _events(self, experiment: Experiment) -> list[Event]:
        first, last = (self.ours.source_frame(self.frames[end][0]) for end in (0, -1))
        top, left = experiment.crop_origin
        placed = (
            replace(event, y_px=event.y_px + top, x_px=event.x_px + left)
            for event in events_of(experiment.read_table("events").to_pylist())
        )
        return [
            event
            for event in placed
            if first < event.frame <= last
            and all(
                span.start - 0.5 <= place < span.stop - 0.5
                for span, place in zip(self.box, (event.y_px, event.x_px), strict=True)
            )
        ]


def shared_view(ours: Experiment, theirs: Experiment) -> SharedView:
    """Return what both experiments show.

    Raises:
        InputError: If they have no frame, or no pixel, in common.
    """
    index = {theirs.source_frame(t): t for t in range(theirs.shape[0])}
    numbered = ((t, ours.source_frame(t)) for t in range(ours.shape[0]))
    frames = [(t, index[number]) for t, number in numbered if number in index]
    y, x = (
        slice(max(a.start, b.start), min(a.stop, b.stop))
        for a, b in zip(_box(ours), _box(theirs), strict=True)
    )
    if not frames or y.start >= y.stop or x.start >= x.stop:
        what = "pixel" if frames else "frame"
        raise InputError(f"{ours.root} and {theirs.root} share no {what}; compare runs of the same movie")
    return SharedView(ours=ours, theirs=theirs, frames=frames, box=(y, x))


def _box(experiment: Experiment) -> Box:
    """Return where the experiment's image lies in the source's frame."""
    top, left = experiment.crop_origin
    _, height, width = experiment.shape
    return slice(top, top + height), slice(left, left + width)
