import sys

import numpy as np
import pytest

from cases import draw
from cases.tracks import MERGE, MISS, SPLIT
from graticule import tracking
from graticule.core.errors import ConfigError
from graticule.core.lineage import Lineage


def track(name: str, case, **options) -> Lineage:
    drawn = draw(case)
    tracker = tracking.create(name, **options)
    seen = tracker.observe(drawn.images, drawn.labels, first=0)
    return tracker.resolve([seen], frames=len(drawn.labels), shape=drawn.labels.shape[1:])


@pytest.mark.parametrize("name", ["laptrack", "trackpy"])
def test_a_package_that_is_not_installed_is_one_line_with_the_extra(name, monkeypatch):
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ConfigError, match=rf"tracker {name} needs .*graticule\[compare\]"):
        tracking.create(name)


@pytest.mark.parametrize(("case", "option"), [(MERGE, "merge_radii"), (SPLIT, "split_radii")], ids=str)
def test_laptracks_merges_and_splits_can_be_switched_off(case, option):
    kinds = {event.kind for event in track("laptrack", case).events}
    assert kinds == {case.events[0][0]}
    assert {event.kind for event in track("laptrack", case, **{option: 0}).events} <= {"vanish", "appear"}


@pytest.mark.parametrize("name", ["laptrack", "trackpy"])
def test_without_memory_a_particle_missed_is_another_one(name):
    assert len(np.unique(track(name, MISS).track)) == 2
    assert len(np.unique(track(name, MISS, missed_frames=0).track)) == 3


def test_what_is_out_of_reach_is_not_linked():
    assert len(np.unique(track("trackpy", MISS, reach_px=1.0).track)) == 3
