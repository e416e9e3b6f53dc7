"""What is counted adds up, and costs and disturbs nothing."""

from types import SimpleNamespace

import pytest

from graticule.core.window import Window
from graticule.pipeline.ledger import Measure, Meter
from graticule.pipeline.measures import frame_share
from graticule.pipeline.step import Span, spans

SEEN = Measure("counter", "seen", "Things seen.")


def tiled(frames: int, *, length: int, tiles: int) -> list[Window]:
    boxes = [(slice(0, 8), slice(8 * n, 8 * n + 8)) for n in range(tiles)]
    return [
        Window(start=span.start, stop=span.stop, read=box, trusted=box, write=box)
        for span in spans(frames, length=length)
        for box in boxes
    ]


@pytest.mark.parametrize(
    ("items", "share"),
    [
        (spans(10, length=4), 1.0),
        (tiled(10, length=4, tiles=1), 1.0),
        (tiled(10, length=4, tiles=4), 0.25),
        ([Span(start=0, stop=6), Span(start=4, stop=10)], 10 / 12),
    ],
    ids=["runs", "whole frames", "four tiles", "overlapping runs"],
)
def test_all_items_together_count_each_frame_once(items, share):
    assert frame_share(items) == pytest.approx(share)


def test_a_meter_without_a_ledger_does_nothing():
    meter = Meter(None)
    meter.count(SEEN)
    meter.close()
    assert not meter.on


def test_what_cannot_be_counted_does_not_end_the_work():
    meter = Meter(SimpleNamespace())  # no ledger at all
    meter.count(SEEN, kind="a")
    meter.close()
