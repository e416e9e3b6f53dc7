import numpy as np

from graticule.core.lineage import Lineage
from graticule.tracking.libraries.links import lineage_of_links, links_of_chains
from graticule.tracking.libraries.seen import SeenMovie


def seen(*frames: int) -> SeenMovie:
    """Instances of the given frames, far from each other and from the border."""
    count = len(frames)
    return SeenMovie(
        frames=max(frames) + 1,
        drift=np.zeros((max(frames) + 1, 2)),
        frame=np.array(frames),
        label=np.arange(1, count + 1, dtype=np.uint32),
        area=np.full(count, 100),
        centre=np.full((count, 2), 50.0) + np.arange(count)[:, None],
        border=np.zeros(count, np.bool_),
    )


def lineage(movie: SeenMovie, *links: tuple[int, int]) -> Lineage:
    return lineage_of_links(movie, np.array(links, np.int64).reshape(-1, 2), shape=(100, 100))


def told(found: Lineage) -> list[tuple]:
    return [(event.kind, event.frame, event.parents, event.children) for event in found.events]


def test_a_chain_is_a_track():
    found = lineage(seen(0, 1, 2), (0, 1), (1, 2))
    assert (found.track.tolist(), told(found)) == ([1, 1, 1], [])


def test_a_link_over_a_gap_keeps_the_track():
    assert lineage(seen(0, 3), (0, 1)).track.tolist() == [1, 1]


def test_links_that_meet_are_a_merge():
    found = lineage(seen(0, 0, 1, 2), (0, 2), (1, 2), (2, 3))
    assert found.track.tolist() == [1, 2, 3, 3]
    assert told(found) == [("merge", 1, (1, 2), (3,))]
    assert 0 < found.events[0].confidence <= 1


def test_links_that_fork_are_a_split():
    found = lineage(seen(0, 1, 2, 2), (0, 1), (1, 2), (1, 3))
    assert found.track.tolist() == [1, 1, 2, 3]
    assert told(found) == [("split", 2, (1,), (2, 3))]


def test_a_fork_into_a_meeting_is_both():
    found = lineage(seen(0, 0, 1, 1), (0, 2), (0, 3), (1, 3))
    assert told(found) == [("merge", 1, (1, 2), (4,)), ("split", 1, (1,), (3, 4))]


def test_no_links_are_tracks_that_come_and_go():
    found = lineage(seen(0, 2))
    assert told(found) == [("vanish", 1, (1,), ()), ("appear", 2, (), (2,))]


def test_chains_become_links():
    assert links_of_chains([[0, 2, 5], [1], [3, 4]]).tolist() == [[0, 2], [2, 5], [3, 4]]
    assert links_of_chains([[1]]).shape == (0, 2)
