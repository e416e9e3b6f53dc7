import numpy as np
import pytest

from graticule import tracking


def windowed():
    return tracking.create("deaot", window_frames=8, kept_frames=3, window_px=100)


@pytest.mark.parametrize("frames", [2, 9, 10, 25, 41])
def test_each_pair_of_frames_is_the_share_of_one_window(frames):
    shares = []
    for window in windowed().windows((frames, 50, 50)):
        begin = window.start + (3 if window.start else 0)
        shares += range(begin, window.stop - 1)
    assert shares == list(range(frames - 1))


def test_every_pixel_is_the_share_of_one_window():
    seen = np.zeros((230, 310), int)
    for window in windowed().windows((5, 230, 310)):
        seen[window.write] += 1
    assert (seen == 1).all()


def test_a_tracker_that_does_not_follow_has_no_windows():
    assert not tracking.create("overlap").windows((5, 230, 310))


def test_who_follows_does_not_look_for_overlaps():
    frames = np.zeros((2, 40, 40), np.uint32)
    frames[:, 10:20, 10:20] = 1
    seen, followed = (
        {column.partition("_")[0] for column in tracking.create(name).observe(frames, frames, first=0)}
        for name in ("overlap", "deaot")
    )
    assert seen - followed == {"overlap"}
