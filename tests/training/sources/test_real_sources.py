"""The real data sets, as they lie on disk."""

import numpy as np
import pytest

from graticule.io.pictures import read_picture
from graticule.training.sources import open_source
from graticule.training.sources.likeness import alike, print_of
from graticule.training.sources.prepare import dark_particles

pytestmark = pytest.mark.shared_data


def bright(source):
    """How many images have particles brighter than their background."""
    found = (source.labelled(index) for index in range(len(source)))
    return sum(dark_particles(one.pixels, one.labels) is False for one in found)


@pytest.mark.parametrize(("part", "count"), [("train", 20), ("test", 10)])
def test_em4_has_masks_of_dark_particles(shared_data, part, count):
    source = open_source(str(shared_data / "em4" / part))
    source.check()
    assert (len(source), bright(source), source.unlabelled) == (count, 0, ())
    assert not source.load(0).parted


def test_au750_has_six_masks_for_97_frames(shared_data):
    source = open_source(str(shared_data / "au750"))
    source.check()
    assert (len(source), len(source.unlabelled), bright(source)) == (6, 91, 0)
    assert [title[-7:-4] for title in map(source.title, range(6))] == [
        "001",
        "020",
        "039",
        "058",
        "077",
        "096",
    ]


def test_emps_has_instances_and_both_polarities(shared_data):
    source = open_source(str(shared_data / "emps"))
    assert len(source) == 366
    assert source.unlabelled == ()
    some = [source.load(index) for index in range(0, 366, 40)]
    assert all(example.parted for example in some)
    answers = {dark_particles(source.pixels(k), source.labelled(k).labels) for k in range(0, 366, 40)}
    assert answers == {True, False}


def test_neighbours_of_a_sequence_are_alike_and_stills_are_not(shared_data):
    def prints(pattern):
        return [print_of(read_picture(str(path))) for path in sorted(shared_data.glob(pattern))]

    stills = [*prints("em4/*/images/*.png"), *prints("emps/images/[0-3]*.png")]
    assert list(alike(stills, stills)) == [(k, k) for k in range(len(stills))]
    frames = prints("au750/frames/*.png")
    neighbours = {(a, b) for a, b in alike(frames, frames) if b == a + 1}
    assert len(neighbours) > 0.9 * (len(frames) - 1)
    assert len(np.unique([a for a, _ in alike(frames, frames)])) == 97
