"""One entrant's work in parts is the same work."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from graticule.training.comparison.entrants import Entrant
from graticule.training.comparison.images import ImageSet
from graticule.training.comparison.measure import Measured, Work
from graticule.training.comparison.scores import ImageScores
from graticule.training.comparison.shards import TIMED, shards_of, timing_of, together
from graticule.training.sources import open_source

WHO = Entrant(name="threshold", network="threshold")
counts = st.lists(st.integers(1, 40), min_size=1, max_size=4)


def work(counts):
    source = open_source("synthetic:easy")
    sets = [ImageSet(source=source, indices=tuple(range(n)), alike=True, parted=(True,) * n) for n in counts]
    return Work(entrant=WHO, sets=tuple(sets))


def measured(part, *, seconds, **more):
    scores = [
        tuple(
            ImageScores(
                place=place, metrics={"iou": place / 100} if part.scored else {}, seconds=seconds, pixels=9
            )
            for place in places
        )
        for places in part.of_each_set()
    ]
    return Measured(entrant=WHO, scores=tuple(scores), **more)


@given(counts, st.integers(1, 50))
def test_every_image_is_in_one_part(counts, workers):
    parts = shards_of(work(counts), workers)
    assert len(parts) == min(workers, sum(counts))
    for number, count in enumerate(counts):
        places = [place for part in parts for place in part.of_each_set()[number]]
        assert places == list(range(count))


@given(counts, st.integers(1, 50))
def test_parts_are_of_about_the_same_size(counts, workers):
    sizes = [sum(map(len, part.of_each_set())) for part in shards_of(work(counts), workers)]
    assert max(sizes) - min(sizes) <= 1


@given(counts)
def test_some_images_of_each_set_are_timed(counts):
    timed = timing_of(work(counts))
    assert [len(places) for places in timed.of_each_set()] == [min(TIMED, count) for count in counts]
    assert not timed.scored


@given(counts, st.integers(1, 9))
def test_scores_come_from_the_parts_and_speed_and_memory_from_the_timing(counts, workers):
    whole = work(counts)
    parts = [measured(part, seconds=99.0, memory_bytes=99) for part in shards_of(whole, workers)]
    timed = measured(timing_of(whole), seconds=0.5, memory_bytes=7)
    done = together(parts, timed)
    assert done.memory_bytes == 7
    for count, images in zip(counts, done.scores, strict=True):
        assert [image.metrics for image in images] == [{"iou": place / 100} for place in range(count)]
        assert [image.seconds for image in images if image.seconds is not None] == [0.5] * min(TIMED, count)


def test_trouble_in_one_part_is_the_entrants():
    whole = work([4])
    parts = [measured(part, seconds=1.0) for part in shards_of(whole, 2)]
    lost = replace(parts[1], scores=(), trouble="its worker was lost")
    assert together([parts[0], lost], measured(timing_of(whole), seconds=1.0)).trouble == lost.trouble
