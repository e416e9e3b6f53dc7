import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graticule.core.errors import ConfigError, InputError
from graticule.training.examples import ENDLESS, Example, Source
from graticule.training.sources import open_source
from graticule.training.split import HELD_FROM, split, split_with
from pictures_on_disk import circles, data_set, picture, save

SCENES = np.random.default_rng(1).random((3000, 16, 16)).astype(np.float32)


class Drawn(Source):
    """Small pictures by number of scene; equal groups are one sequence."""

    def __init__(self, scenes, groups=None, name="drawn"):
        self.name, self.scenes = name, list(scenes)
        self.groups = groups or [f"{name}-{k}" for k in range(len(self.scenes))]

    def __len__(self):
        return len(self.scenes)

    def group(self, index):
        return self.groups[index]

    def load(self, index):
        labels = np.zeros((16, 16), np.int32)
        return Example(image=SCENES[self.scenes[index]], labels=labels, parted=True)

    def digest(self):
        return ""


@st.composite
def sources(draw):
    """One to three sources; groups and scenes can be shared within and between them."""
    found = []
    for number in range(draw(st.integers(1, 3))):
        count = draw(st.integers(1, 12))
        scenes = draw(st.lists(st.integers(0, 40), min_size=count, max_size=count))
        groups = draw(st.lists(st.sampled_from("abcdefgh"), min_size=count, max_size=count))
        found.append(Drawn(scenes, [f"{number}{group}" for group in groups], name=str(number)))
    return found


@settings(max_examples=60, deadline=None)
@given(sources(), st.floats(0.05, 0.5), st.integers(0, 3))
def test_each_image_is_on_one_side_and_no_scene_or_group_is_on_both(found, share, seed):
    parted = split(found, share=share, seed=seed)
    sides = {}
    for place, source in enumerate(found):
        train, held = parted.train[place], parted.held[place]
        assert sorted([*train, *held]) == list(range(len(source)))
        for side, indices in (("train", train), ("held", held)):
            for index in indices:
                for what in (source.group(index), source.scenes[index]):
                    assert sides.setdefault(what, side) == side
    assert parted == split(found, share=share, seed=seed)
    assert any(parted.train)


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 60), st.floats(0.05, 0.5), st.integers(1, 80))
def test_about_the_share_is_held_out_and_never_nothing(count, share, most):
    (held,) = split([Drawn(range(count))], share=share, most=most).held
    assert 1 <= len(held) <= max(1, min(most, round(share * count)))


def test_every_source_of_several_groups_holds_some():
    parted = split([Drawn(range(200)), Drawn(range(200, 203), name="few")], share=0.1)
    assert [len(held) for held in parted.held] == [20, 1]


def test_the_draw_moves_little_when_an_image_is_added():
    before = set(split([Drawn(range(100))]).held[0])
    after = set(split([Drawn(range(101))]).held[0])
    assert len(before & after) >= 0.8 * len(before)


def test_another_seed_holds_out_others():
    assert split([Drawn(range(100))], seed=1).held != split([Drawn(range(100))], seed=2).held


def test_a_single_sequence_is_trained_on():
    parted = split([Drawn(range(9), ["one"] * 9)])
    assert parted.train == (tuple(range(9)),)
    assert parted.held == ((),)


def test_of_two_sequences_in_two_sources_the_shorter_one_is_held_out():
    parted = split([Drawn(range(9), ["a"] * 9, "a"), Drawn(range(20, 24), ["b"] * 4, "b")])
    assert parted.train == (tuple(range(9)), ())
    assert parted.held == ((), tuple(range(4)))


def test_beside_made_images_a_single_sequence_is_trained_on_whole():
    parted = split([Drawn(range(9), ["a"] * 9), open_source("synthetic:easy")])
    assert parted.train == (tuple(range(9)), range(HELD_FROM))
    assert parted.held == ((), range(HELD_FROM, HELD_FROM + 16))


def test_made_images_are_never_on_both_sides():
    made = open_source("synthetic:easy,hard")
    for parted in (split([made]), split_with([made], [made])):
        assert not any(index in parted.train[0] for index in parted.held[0])
        assert max(parted.held[0]) < ENDLESS


@pytest.mark.parametrize("share", [0.0, 1.0, -0.5, float("nan")])
def test_a_share_that_leaves_nothing_is_refused(share):
    with pytest.raises(ConfigError, match="between 0 and 1"):
        split([Drawn(range(9))], share=share)


def test_validation_data_is_held_whole():
    parted = split_with([Drawn(range(9))], [Drawn(range(20, 24), name="v")])
    assert (list(parted.train[0]), list(parted.held[0])) == (list(range(9)), list(range(4)))


def test_copies_under_other_names_stay_on_one_side(tmp_path, caplog):
    for number in range(12):
        pixels = picture(circles(), seed=number % 6)
        save(tmp_path / f"images/{number}.png", pixels if number < 6 else np.rot90(pixels, 2).copy())
        save(tmp_path / f"masks/{number}.png", circles() if number < 6 else np.rot90(circles(), 2).copy())
    with caplog.at_level("INFO", logger="graticule"):
        parted = split([open_source(str(tmp_path))], share=0.3)
    held = set(parted.held[0])
    assert held
    assert held == {(index + 6) % 12 for index in held}
    assert "12 images look like others and stay on one side" in caplog.text


def test_an_image_that_is_trained_on_and_validated_on_is_refused_and_both_are_named(tmp_path):
    ours = open_source(str(data_set(tmp_path / "ours")))
    data_set(tmp_path / "theirs", 9)
    for number in range(9):
        save(tmp_path / f"theirs/images/image_{number}.png", picture(circles(), seed=50 + number))
    save(tmp_path / "theirs/images/image_5.png", picture(circles(), seed=2))
    theirs = open_source(str(tmp_path / "theirs"))
    with pytest.raises(InputError, match=r"ours/images/image_2\.png .*theirs/images/image_5\.png"):
        split_with([ours], [theirs])
    with pytest.raises(InputError, match=r"image_0\.png .*image_0\.png"):
        split_with([ours], [ours])


class Named(Drawn):
    """Its examples are called ``NAME [INDEX]``."""

    def called(self, *indices):
        return [f"{self.name} [{index}]" for index in indices]


@settings(max_examples=40, deadline=None)
@given(sources(), st.data())
def test_an_excluded_image_and_its_group_are_on_neither_side(found, data):
    found = [Named(s.scenes, s.groups, s.name) for s in found]
    every = [(place, index) for place, source in enumerate(found) for index in range(len(source))]
    out = data.draw(st.lists(st.sampled_from(every), min_size=1, max_size=4))
    names = [found[place].called(index)[0] for place, index in out]
    parted = split(found, share=0.3, excluded=names)
    used = [
        (place, i) for side in (parted.train, parted.held) for place, part in enumerate(side) for i in part
    ]
    for place, index in used:
        for gone, number in out:
            assert found[place].group(index) != found[gone].group(number)
            assert found[place].scenes[index] != found[gone].scenes[number]
    everything = split(found, share=0.3)
    assert len(used) + len(out) >= 1
    assert set(used) < {
        (p, i) for side in (everything.train, everything.held) for p, x in enumerate(side) for i in x
    }


def test_names_are_those_of_files_with_or_without_the_ending(tmp_path):
    source = open_source(str(data_set(tmp_path, 6)))
    parted = split([source], share=0.2, excluded=["image_1", "image_4.png"])
    used = {*parted.train[0], *parted.held[0]}
    assert {source.title(index).rpartition("/")[2] for index in range(6) if index not in used} == {
        "image_1.png",
        "image_4.png",
    }


@pytest.mark.parametrize("made", [False, True])
def test_a_name_excluded_that_no_image_has_is_refused(tmp_path, made):
    source = open_source("synthetic:easy") if made else open_source(str(data_set(tmp_path, 6)))
    with pytest.raises(InputError, match=r"^image_9 is to be excluded, and no image is called so \(of 1"):
        split([source], excluded=["image_9"])


def test_an_excluded_image_is_not_validated_on_either():
    ours, theirs = Named(range(9), name="ours"), Named(range(20, 24), name="theirs")
    parted = split_with([ours], [theirs], excluded=[*ours.called(0), *theirs.called(3)])
    assert (parted.train, parted.held) == ((tuple(range(1, 9)),), ((0, 1, 2),))


def test_a_copy_on_both_sides_is_no_matter_once_it_is_excluded():
    ours, theirs = Named(range(9), name="ours"), Named([4, 20], name="theirs")
    with pytest.raises(InputError, match=r"ours \[4\] is trained on and theirs \[0\] is validated on"):
        split_with([ours], [theirs])
    parted = split_with([ours], [theirs], excluded=ours.called(4))
    assert 4 not in parted.train[0]
    assert parted.held == ((1,),)


@pytest.mark.shared_data
def test_real_stills_hold_their_share(shared_data):
    parted = split([open_source(str(shared_data / "em4" / part)) for part in ("train", "test")])
    assert [len(held) for held in parted.held] == [3, 2]


@pytest.mark.shared_data
def test_one_frame_of_au750_may_validate_what_trains_on_others(shared_data, tmp_path):
    for side, frames in (("ours", (1, 20, 39, 58, 77)), ("theirs", (96,))):
        for kind in ("frames", "masks"):
            for frame in frames:
                name = f"{kind}/frame_{frame:03}.png"
                (tmp_path / side / kind).mkdir(parents=True, exist_ok=True)
                (tmp_path / side / name).write_bytes((shared_data / "au750" / name).read_bytes())
    split_with([open_source(str(tmp_path / "ours"))], [open_source(str(tmp_path / "theirs"))])
