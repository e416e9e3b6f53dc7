"""The truth is exact: labels, tracks, events and drift say the same."""

import pickle
import time
import tracemalloc
from collections import defaultdict

import numpy as np
import pytest
from scipy import ndimage

from graticule.synthetic import PRESETS, simulate

FRAMES = 100
EIGHT = np.ones((3, 3))


class Watched:
    """A movie's truth, gone through once: per frame the track image's facts."""

    def __init__(self, name, seed, frames=FRAMES, size=512):
        self.movie = simulate(name, frames=frames, size=size, seed=seed)
        self.present, self.contacts, self.compact, self.torn = [], [], [], 0
        for labels, tracks in truth(self.movie):
            self.present.append(tracks.tolist())
            self.compact.append(np.array_equal(np.unique(labels), np.arange(len(tracks) + 1)))
            image = np.concatenate([[0], tracks])[labels]
            self.contacts.append(touching(image))
            self.torn += torn_inside(labels)
        self.lineage = self.movie.lineage()
        self.events = defaultdict(list)
        for event in self.lineage.events:
            self.events[event.kind].append(event)


def truth(movie):
    for _, _, labels, tracks in movie._truth((slice(0, movie.size[0]), slice(0, movie.size[1]))):
        yield labels, tracks


def touching(image):
    """Pairs of ids in 8-neighbourhood."""
    pairs = set()
    for a, b in (
        (image[1:], image[:-1]),
        (image[:, 1:], image[:, :-1]),
        (image[1:, 1:], image[:-1, :-1]),
        (image[1:, :-1], image[:-1, 1:]),
    ):
        edge = (a != b) & (a > 0) & (b > 0)
        pairs |= {tuple(sorted(pair)) for pair in zip(a[edge].tolist(), b[edge].tolist(), strict=True)}
    return pairs


def torn_inside(labels):
    """How many instances away from the border are in several pieces."""
    pieces = ndimage.label(labels > 0, EIGHT)[0]
    border = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    torn = 0
    for label in set(range(1, labels.max() + 1)) - set(border.tolist()):
        torn += len(np.unique(pieces[labels == label])) > 1
    return torn


@pytest.fixture(scope="module", params=["easy", "medium", "hard"])
def watched(request):
    return Watched(request.param, seed=2)


def test_labels_are_compact_and_every_instance_is_in_the_lineage(watched):
    assert all(watched.compact)
    lineage = watched.lineage
    for frame, tracks in enumerate(watched.present):
        here = lineage.frame == frame
        assert lineage.label[here].tolist() == list(range(1, len(tracks) + 1))
        assert lineage.track[here].tolist() == tracks
        assert len(set(tracks)) == len(tracks)


def test_a_track_is_one_unbroken_run_of_frames(watched):
    seen = defaultdict(list)
    for frame, tracks in enumerate(watched.present):
        for track in tracks:
            seen[track].append(frame)
    assert all(frames == list(range(frames[0], frames[-1] + 1)) for frames in seen.values())
    assert sorted(seen) == list(range(1, max(seen) + 1))


def test_every_beginning_and_end_of_a_track_is_one_event(watched):
    begin, end = defaultdict(set), defaultdict(set)
    for frame in range(1, FRAMES):
        begin[frame] = set(watched.present[frame]) - set(watched.present[frame - 1])
        end[frame] = set(watched.present[frame - 1]) - set(watched.present[frame])
    said_begin, said_end = defaultdict(list), defaultdict(list)
    for event in watched.lineage.events:
        said_begin[event.frame] += event.children
        said_end[event.frame] += event.parents
    for frame in range(1, FRAMES):
        assert sorted(said_begin[frame]) == sorted(begin[frame])
        assert sorted(said_end[frame]) == sorted(end[frame])
    assert not said_begin[0]


def test_there_is_some_of_everything(watched):
    particles = len(watched.present[0])
    assert 0.02 < 2 * len(watched.events["merge"]) / particles < 0.25
    assert any(not event.at_border for event in watched.events["vanish"])
    assert any(event.at_border for event in watched.events["vanish"])
    assert all(event.at_border for event in watched.events["appear"])
    assert watched.events["appear"]
    assert not watched.events["split"]


def test_nothing_touches_in_the_first_frame_or_when_it_appears(watched):
    assert not watched.contacts[0]
    for event in watched.events["appear"]:
        assert not any(event.children[0] in pair for pair in watched.contacts[event.frame])


def test_a_merge_is_dated_to_the_first_frame_of_lasting_contact(watched):
    for event in watched.events["merge"]:
        assert len(event.parents) == 2
        assert event.parents not in watched.contacts[event.frame - 1]
        assert set(event.parents) <= set(watched.present[event.frame - 1])
    assert watched.torn == 0, "a child is one piece from its first frame on"


def test_contact_that_is_no_merge_ends_while_both_live(watched):
    last = {}
    for frame, pairs in enumerate(watched.contacts):
        last |= dict.fromkeys(pairs, frame)
    for pair, frame in last.items():
        assert frame == FRAMES - 1 or set(pair) <= set(watched.present[frame + 1])


@pytest.mark.parametrize("name", ["medium", "hard"])
def test_some_pairs_touch_and_part_again(name):
    assert any(any(Watched(name, seed, frames=150).contacts) for seed in range(3))


def test_the_same_seed_gives_the_same_movie_and_another_one_does_not():
    movies = [list(simulate("hard", frames=3, size=96, seed=seed)) for seed in (5, 5, 6)]
    same = [np.array_equal(a.image, b.image) for a, b in zip(movies[0], movies[1], strict=True)]
    assert all(same)
    assert not np.array_equal(movies[0][0].image, movies[2][0].image)


def test_a_movies_first_frames_do_not_depend_on_its_length():
    short, long = (simulate("medium", frames=n, size=(160, 128), seed=3) for n in (25, 50))
    for a, b in zip(short, long, strict=False):
        assert a.image.tobytes() == b.image.tobytes()
        assert a.labels.tobytes() == b.labels.tobytes()
        assert a.tracks.tolist() == b.tracks.tolist()
    assert short.lineage().events == tuple(e for e in long.lineage().events if e.frame < 25)
    assert (short.lineage().drift_px == long.lineage().drift_px[:25]).all()


def test_frames_from_a_later_one_on_are_those_of_the_whole_movie():
    movie = simulate("medium", frames=5, size=96, seed=3)
    for ours, theirs in zip(movie.since(3), list(movie)[3:], strict=True):
        assert np.array_equal(ours.image, theirs.image)
        assert np.array_equal(ours.labels, theirs.labels)
        assert np.array_equal(ours.tracks, theirs.tracks)


def test_the_lineage_is_the_same_before_and_after_the_frames_were_made():
    early = simulate("medium", frames=20, size=128, seed=3)
    before = early.lineage()
    late = simulate("medium", frames=20, size=128, seed=3)
    frames = iter(late)
    for _ in range(20):
        next(frames)
    assert before.events == late.lineage().events
    assert (before.track == late.lineage().track).all()


def test_a_movie_pickles_small_and_comes_back_the_same():
    movie = simulate("easy", frames=2, size=128, seed=3)
    packed = pickle.dumps(movie)
    assert len(packed) < 2000
    assert (next(iter(pickle.loads(packed))).image == next(iter(movie)).image).all()


@pytest.mark.parametrize(("name", "size"), [("easy", 1024), ("medium", 1024), ("hard", (512, 1536))])
def test_the_number_of_particles_scales_with_the_area(name, size):
    movie = simulate(name, frames=1, size=size, seed=0)
    frame = next(iter(movie))
    labels, preset = frame.labels, PRESETS[name]
    centres = np.array(ndimage.center_of_mass(labels > 0, labels, range(1, len(frame.tracks) + 1)))
    wanted = preset.particles * labels.size / 512**2
    assert len(centres) == pytest.approx(wanted * (1 + 4 * preset.radius_px / 512), rel=0.25)


@pytest.mark.parametrize("size", [32, (64, 200), 333])
def test_any_frame_size_works(size):
    frame = list(simulate("hard", frames=4, size=size, seed=0))[-1]
    assert frame.image.shape == frame.labels.shape == ((size, size) if isinstance(size, int) else size)
    assert (frame.image.dtype, frame.labels.dtype, frame.tracks.dtype) == (np.uint16, np.uint32, np.int64)


def test_particles_are_darker_than_the_film_around_them():
    frame = next(iter(simulate("easy", frames=1, size=256, seed=0)))
    around = ndimage.binary_dilation(frame.labels > 0, iterations=8) & (frame.labels == 0)
    assert frame.image[frame.labels > 0].mean() < 0.85 * frame.image[around].mean()


def test_memory_does_not_grow_with_the_number_of_frames():
    assert peak_bytes(240) < 1.1 * peak_bytes(30)


def peak_bytes(frames):
    movie = simulate("medium", frames=frames, size=192, seed=0)
    tracemalloc.start()
    for _ in movie:
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_time_grows_no_faster_than_the_number_of_frames():
    def seconds(frames):
        start = time.process_time()
        simulate("easy", frames=frames, size=96, seed=0).lineage()
        return time.process_time() - start

    seconds(5)
    assert seconds(240) < 8 * seconds(60)
