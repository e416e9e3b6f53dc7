"""Every tracker on every drawn case, and every metric on what it made of it."""

from dataclasses import replace

import numpy as np
import pytest

from cases import Case, Drawn, draw, events_by_letter
from cases.errors import FLAWLESS
from cases.tracks import CASES, MISS
from graticule import tracking
from graticule.core.errors import ConfigError
from graticule.core.lineage import Carried, Event, Lineage
from graticule.evaluation.meetings import meetings
from graticule.evaluation.tracking import tracking_figures
from graticule.tracking.deaot.completing import CARRIED_LABEL
from graticule.tracking.whole import painted, track

TRACKERS_UNDER_TEST = ("overlap", "deaot", "laptrack", "trackpy")
LINKERS = ("overlap", "laptrack", "trackpy")
"""Those that see frames only to observe them."""
_IN_PIECES = {
    "a merge is dated to the first lasting contact, its pieces are joined in hindsight",
    "contact that lasts to the end of the movie is a merge though nothing fuses",
    "two seen as one for a while both get their old tracks back",
    "pieces that touch from their first frame on and fuse were one all along",
    "a piece cut off for some frames, in contact, is no split",
    "a split is dated to the first frame of lasting parting",
    "three at once are one event",
}
WRONG = {
    "laptrack": _IN_PIECES,
    "trackpy": _IN_PIECES
    | {"two particles become one", "one particle becomes two", "the child of a merge merges again"},
}
"""Cases that a tracker gets wrong.

laptrack looks one frame ahead, trackpy knows neither merge nor split.
"""


def tracked(name: str, drawn: Drawn) -> Lineage:
    """What was made of the drawn instances; the particles that deaot adds were not drawn."""
    lineage = track(tracking.create(name), drawn.images, drawn.labels)
    drawn_ones = lineage.label < CARRIED_LABEL
    rows = {name: getattr(lineage, name)[drawn_ones] for name in ("frame", "label", "track")}
    return replace(lineage, **rows, carried=Carried.nothing())


def events_right(case: Case, drawn: Drawn, lineage: Lineage) -> bool:
    try:
        return events_by_letter(lineage, drawn) == set(case.events)
    except AssertionError:  # identities are wrong already
        return False


def figures(case: Case, drawn: Drawn, lineage: Lineage) -> dict[str, float | None]:
    truth = np.zeros_like(drawn.labels, np.int64)
    for t, letters in enumerate(drawn.letters):
        for label, letter in letters.items():
            truth[t][drawn.labels[t] == label] = _name(letter)
    met = meetings(zip(truth, painted(drawn.labels, lineage), strict=True))
    return tracking_figures(met, truth=true_events(case), predicted=lineage.events)


def true_events(case: Case) -> list[Event]:
    return [
        Event(
            kind=kind, frame=frame, parents=tuple(map(_name, parents)), children=tuple(map(_name, children)),
            y_px=-1e3, x_px=-1e3, at_border=False, confidence=1.0,
        )
        for kind, frame, parents, children in case.events
    ]  # fmt: skip


def _name(letter: str) -> int:
    return ord(letter.lower()) - ord("a") + 1


@pytest.mark.parametrize("name", TRACKERS_UNDER_TEST)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_drawn_case_is_right_or_known_to_be_wrong_and_every_metric_tells(case, name):
    drawn = draw(case)
    lineage = tracked(name, drawn)
    right = case.name not in WRONG.get(name, ())
    assert events_right(case, drawn, lineage) is right
    merges = any(event[0] == "merge" for event in case.events)
    flawless = FLAWLESS | {key: 1 if merges else None for key in FLAWLESS if key.startswith("merge")}
    assert (figures(case, drawn, lineage) == pytest.approx(flawless)) is right


@pytest.mark.parametrize("name", LINKERS)
def test_the_answer_does_not_depend_on_where_the_movie_is_cut(name):
    drawn = draw(CASES[0])
    tracker, count = tracking.create(name), len(drawn.labels)
    shape = drawn.labels.shape[1:]
    whole = tracked(name, drawn)
    runs = [
        tracker.observe(drawn.images[a : a + 2], drawn.labels[a : a + 2], first=a) for a in range(count - 1)
    ]
    cut = tracker.resolve(runs, frames=count, shape=shape)
    assert (cut.track == whole.track).all()
    assert cut.events == whole.events


@pytest.mark.parametrize("name", TRACKERS_UNDER_TEST)
@pytest.mark.parametrize("frames", [1, 3])
def test_a_movie_without_particles_has_an_empty_lineage(name, frames):
    nothing = np.zeros((frames, 32, 32))
    lineage = track(tracking.create(name), nothing, nothing.astype(np.uint32))
    assert (len(lineage.track), lineage.events) == (0, ())


@pytest.mark.parametrize("name", TRACKERS_UNDER_TEST)
def test_empty_frames_end_nobody_who_comes_back_at_once(name):
    drawn = draw(MISS)
    labels = drawn.labels.copy()
    labels[2:4] = 0
    lineage = tracked(name, Drawn(drawn.images, labels, drawn.letters))
    assert np.unique(lineage.track).tolist() == [1, 2]


@pytest.mark.parametrize("name", TRACKERS_UNDER_TEST)
def test_a_movie_of_one_frame_has_tracks_and_no_events(name):
    drawn = draw(CASES[0])
    lineage = tracked(name, Drawn(drawn.images[:1], drawn.labels[:1], drawn.letters[:1]))
    assert (lineage.track.tolist(), lineage.events) == ([1, 2], ())


@pytest.mark.parametrize("name", TRACKERS_UNDER_TEST)
def test_an_option_that_cannot_be_says_which(name):
    with pytest.raises(ConfigError, match=rf"tracker {name}: .*missed_frames"):
        tracking.create(name, missed_frames=-1)
