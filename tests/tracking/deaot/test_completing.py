"""Rows of windows, joined and put among what was observed."""

import numpy as np
import pytest

from graticule.tracking.deaot.completing import CARRIED_LABEL, Followed, completed


def window(*, links=(), carried=(), runs=()):
    """Rows as :func:`follow_window` gives them.

    Links are (frame, from_frame, from_label, to, pixels); carried (frame, from_frame,
    from_label, area); runs (carried, start, stop).
    """
    links = np.array(links, np.int64).reshape(-1, 5)
    carried = np.array(carried, np.int64).reshape(-1, 4)
    runs = np.array(runs, np.int64).reshape(-1, 3)
    return {
        **{
            f"link_{n}": links[:, k]
            for k, n in enumerate(("frame", "from_frame", "from_label", "to", "pixels"))
        },
        **{
            f"carried_{n}": carried[:, k] for k, n in enumerate(("frame", "from_frame", "from_label", "area"))
        },
        "carried_y": np.full(len(carried), 5.0),
        "carried_x": np.full(len(carried), 6.0),
        **{f"run_{n}": runs[:, k] for k, n in enumerate(("carried", "start", "stop"))},
    }


def observed(*labels):
    """One run of frames, each with instances of the given labels and 10 px."""
    frame = np.concatenate([np.full(len(names), t) for t, names in enumerate(labels)]).astype(np.int64)
    n = len(frame)
    return {
        "first": np.array(0),
        "steps": np.zeros((len(labels) - 1, 2)),
        "instance_frame": frame,
        "instance_label": np.concatenate([np.array(names, np.uint32) for names in labels]),
        "instance_area": np.full(n, 10, np.int64),
        "instance_y": np.zeros(n),
        "instance_x": np.zeros(n),
        "instance_border": np.zeros(n, np.bool_),
    }


GAP = window(links=[(2, 0, 1, 7, 9)], carried=[(1, 0, 1, 8)], runs=[(0, 40, 44), (0, 50, 54)])
"""Instance 1 of frame 0 is not seen in frame 1, and is instance 7 of frame 2."""


def test_a_gap_is_bridged_by_what_was_carried():
    (run,) = completed([observed([1], [], [7])], Followed.of([GAP]))
    assert run["instance_frame"].tolist() == [0, 1, 2]
    assert run["instance_label"].tolist() == [1, CARRIED_LABEL, 7]
    links = zip(*(run[f"overlap_{name}"].tolist() for name in ("frame", "a", "b", "pixels")), strict=True)
    assert list(links) == [(0, 1, CARRIED_LABEL, 8), (1, CARRIED_LABEL, 7, 9)]


def test_its_pixels_are_kept_as_runs():
    runs = Followed.of([GAP]).runs
    assert list(zip(runs.frame, runs.label, runs.start, runs.stop, strict=True)) == [
        (1, CARRIED_LABEL, 40, 44),
        (1, CARRIED_LABEL, 50, 54),
    ]


def test_what_is_never_seen_again_was_no_sighting():
    followed = Followed.of([window(carried=[(1, 0, 1, 8)], runs=[(0, 40, 48)])])
    assert len(followed.carried["frame"]) == len(followed.runs.frame) == 0


def test_an_instance_that_hardly_covers_it_is_another():
    faint = window(links=[(2, 0, 1, 7, 1)], carried=[(1, 0, 1, 8)], runs=[(0, 40, 48)])
    assert len(Followed.of([faint]).carried["frame"]) == 0


def test_what_two_views_claim_is_counted_once():
    followed = Followed.of([GAP, GAP])
    assert len(followed.carried["frame"]) == 1
    assert len(followed.runs.frame) == 2


def test_windows_may_come_in_any_order():
    other = window(links=[(1, 0, 4, 5, 3)])
    runs = [
        next(iter(completed([observed([1, 4], [5], [7])], Followed.of(windows))))
        for windows in ([GAP, other], [other, GAP])
    ]
    for name in runs[0]:
        assert np.array_equal(runs[0][name], runs[1][name])


def test_a_link_through_a_frame_where_nothing_was_carried_is_no_overlap():
    (run,) = completed([observed([1], [], [7])], Followed.of([window(links=[(2, 0, 1, 7, 9)])]))
    assert len(run["overlap_frame"]) == 0


def test_without_windows_there_is_nothing_to_link():
    (run,) = completed([observed([1], [2])], Followed.of([]))
    assert run["instance_label"].tolist() == [1, 2]
    assert len(run["overlap_frame"]) == 0


@pytest.mark.parametrize("carried", [2, 3])
def test_carried_particles_of_a_frame_have_labels_of_their_own(carried):
    rows = [(1, 0, label, 8) for label in range(1, carried + 1)]
    links = [(2, 0, label, label, 8) for label in range(1, carried + 1)]
    labels = Followed.of([window(links=links, carried=rows)]).carried["label"]
    assert labels.tolist() == [CARRIED_LABEL + k for k in range(carried)]


def test_what_was_swallowed_comes_out_of_what_had_swallowed_it():
    swallowed = window(
        links=[(1, 0, 1, 5, 30), (1, 0, 2, 5, 10), (2, 1, 5, 6, 28), (2, 0, 2, 6, 2), (2, 0, 2, 8, 9)]
    )
    (run,) = completed([observed([1, 2], [5], [6, 8])], Followed.of([swallowed]))
    links = zip(*(run[f"overlap_{name}"].tolist() for name in ("frame", "a", "b", "pixels")), strict=True)
    assert list(links) == [(0, 1, 5, 30), (0, 2, 5, 10), (1, 5, 6, 30), (1, 5, 8, 9)]
