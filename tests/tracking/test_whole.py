import numpy as np
import pytest

from graticule import tracking
from graticule.core.lineage import Carried, Lineage
from graticule.tracking.whole import painted, windows_of


def windowed():
    return tracking.create("deaot", window_frames=8, kept_frames=3, window_px=100)


@pytest.mark.parametrize("frames", [2, 9, 10, 25, 41])
def test_each_pair_of_frames_is_the_share_of_one_window(frames):
    tracker = windowed()
    shares = []
    for window in windows_of(tracker, (frames, 50, 50)):
        begin = window.start + (3 if window.start else 0)
        shares += range(begin, window.stop - 1)
    assert shares == list(range(frames - 1))


def test_every_pixel_is_the_share_of_one_window():
    seen = np.zeros((230, 310), int)
    for window in windows_of(windowed(), (5, 230, 310)):
        seen[window.write] += 1
    assert (seen == 1).all()


def test_carried_particles_are_painted_beside_the_instances():
    instances = np.array([[[1, 1, 0, 0], [0, 0, 0, 2]]], np.uint32)
    lineage = Lineage(
        frame=np.array([5, 5, 5]),
        label=np.array([1, 2, 2**31], np.uint32),
        track=np.array([30, 10, 20]),
        drift_px=np.zeros((1, 2)),
        events=(),
        carried=Carried(
            frame=np.array([5]), label=np.array([2**31], np.uint32), start=np.array([4]), stop=np.array([6])
        ),
    )
    assert painted(instances, lineage, first=5).tolist() == [[[30, 30, 0, 0], [20, 20, 0, 10]]]


def test_what_the_lineage_leaves_out_is_background():
    instances = np.array([[[1, 2]]], np.uint32)
    lineage = Lineage(
        frame=np.array([0]),
        label=np.array([2], np.uint32),
        track=np.array([7]),
        drift_px=np.zeros((1, 2)),
        events=(),
    )
    assert painted(instances, lineage).tolist() == [[[0, 7]]]
