"""A lineage as plain arrays, so that it can wait in a marker."""

import numpy as np

from graticule.core.lineage import Carried, Event, Lineage
from graticule.pipeline.step import Result

_CARRIED = ("frame", "label", "start", "stop")
_KINDS = ("appear", "vanish", "merge", "split")


def to_arrays(lineage: Lineage) -> Result:
    """Return the lineage as arrays by name; lists of ids are stored flat with their lengths."""
    events = lineage.events
    return {
        "frame": lineage.frame,
        "label": lineage.label,
        "track": lineage.track,
        "drift_px": lineage.drift_px,
        **{f"carried_{name}": getattr(lineage.carried, name) for name in _CARRIED},
        "event_kind": np.array([_KINDS.index(event.kind) for event in events], np.int8),
        "event_frame": np.array([event.frame for event in events], np.int64),
        "event_values": np.array(
            [(event.y_px, event.x_px, event.at_border, event.confidence) for event in events], float
        ).reshape(-1, 4),
        **_ragged("parents", [event.parents for event in events]),
        **_ragged("children", [event.children for event in events]),
    }


def from_arrays(arrays: Result) -> Lineage:
    """Return the lineage that :func:`to_arrays` took apart."""
    parents, children = _lists("parents", arrays), _lists("children", arrays)
    events = tuple(
        Event(
            kind=_KINDS[kind],  # type: ignore[arg-type]
            frame=int(frame),
            parents=parents[index],
            children=children[index],
            y_px=float(y),
            x_px=float(x),
            at_border=bool(border),
            confidence=float(confidence),
        )
        for index, (kind, frame, (y, x, border, confidence)) in enumerate(
            zip(arrays["event_kind"], arrays["event_frame"], arrays["event_values"], strict=True)
        )
    )
    columns = {name: arrays[name] for name in ("frame", "label", "track", "drift_px")}
    carried = Carried(**{name: arrays[f"carried_{name}"] for name in _CARRIED})
    return Lineage(**columns, events=events, carried=carried)


def _ragged(name: str, lists: list[tuple[int, ...]]) -> Result:
    return {
        name: np.array([item for items in lists for item in items], np.int64),
        f"{name}_count": np.array([len(items) for items in lists], np.int64),
    }


def _lists(name: str, arrays: Result) -> list[tuple[int, ...]]:
    ends = np.cumsum(arrays[f"{name}_count"]).tolist()
    starts = [0, *ends[:-1]]
    return [tuple(arrays[name][a:b].tolist()) for a, b in zip(starts, ends, strict=bool(ends))]
