import pickle

import numpy as np
import pytest

from graticule.core.errors import UnknownNameError
from graticule.training.examples import ENDLESS
from graticule.training.sources import open_source


def test_an_index_is_one_picture_in_any_process_and_others_are_others():
    source = open_source("synthetic:easy")
    there = pickle.loads(pickle.dumps(source))
    one = source.load(3)
    assert np.array_equal(one.image, there.load(3).image)
    assert np.array_equal(one.labels, there.load(3).labels)
    assert not np.array_equal(one.image, source.load(4).image)
    assert source.group(3) != source.group(4)


def test_it_is_endless_parted_and_dark():
    source = open_source("synthetic:medium")
    example = source.load(ENDLESS - 1)
    inside = example.labels > 0
    assert len(source) == ENDLESS
    assert example.parted
    assert example.image.shape == (512, 512)
    assert np.array_equal(np.unique(example.labels), np.arange(example.labels.max() + 1))
    assert example.image[inside].mean() < example.image[~inside].mean()
    source.check()


def test_presets_take_turns():
    both = open_source("synthetic:easy, hard")
    easy, hard = open_source("synthetic:easy"), open_source("synthetic:hard")
    assert np.array_equal(both.load(0).labels, easy.load(0).labels)
    assert np.array_equal(both.load(1).labels, hard.load(1).labels)
    assert both.name == "synthetic:easy,hard"


def test_varied_draws_a_preset_for_each_movie():
    source = open_source("synthetic:varied")
    counts = {int(source.load(k).labels.max()) for k in range(4)}
    assert len(counts) > 1


def test_digests_tell_presets_apart():
    names = ["synthetic:easy", "synthetic:hard", "synthetic:varied", "synthetic:easy,hard"]
    assert len({open_source(name).digest() for name in names}) == 4


@pytest.mark.parametrize("text", ["synthetic:simple", "synthetic:", "synthetic:easy,,hard"])
def test_an_unknown_preset_lists_the_known_ones(text):
    with pytest.raises(UnknownNameError, match="known: easy, hard, medium, varied"):
        open_source(text)
