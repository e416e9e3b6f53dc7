import pickle
from dataclasses import dataclass, field

import numpy as np
import pytest

from graticule.training.examples import ENDLESS, Example, Source
from graticule.training.job import CropMaker
from graticule.training.plan import Pick
from graticule.training.recipe import Augmentation, Recipe

STILL = Augmentation(scale=(1, 1), rotate=0, noise=0, blurred=0, fringe=0, broken=0, gradient=0)


@dataclass
class Square(Source):
    """One dark square of 8 px in the middle of each image."""

    edge: int
    count: int = 3
    name: str = "square"
    read: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return self.count

    def group(self, index: int) -> str:
        return str(index)

    def load(self, index: int) -> Example:
        self.read.append(index)
        labels = np.zeros((self.edge, self.edge), np.int32)
        middle = slice(self.edge // 2 - 4, self.edge // 2 + 4)
        labels[middle, middle] = 1
        return Example(image=np.where(labels, 0.2, 0.8).astype(np.float32), labels=labels, parted=True)

    def digest(self) -> str:
        return "square"


def maker(source: Source, network: str = "vmamba", size: int = 448) -> CropMaker:
    return CropMaker([source], Recipe(network=network, size=size, augmentation=STILL))


def pick(index: int = 0, seed: int = 1) -> Pick:
    return Pick(source=0, index=index, seed=seed)


@pytest.mark.parametrize(
    ("network", "edge", "side"),
    [("vmamba", 128, 19), ("vmamba", 384, 11), ("vmamba", 900, 13), ("efficient-sam-ti", 512, 16)],
)
def test_a_crop_is_magnified_as_the_segmenter_shows_such_an_image(network, edge, side):
    crop = maker(Square(edge), network)(pick())
    largest = np.bincount(crop.labels.ravel())[1:].max()
    assert np.sqrt(largest) == pytest.approx(side, abs=1)


def test_a_crop_hangs_on_its_pick_alone():
    one, other = maker(Square(128)), maker(Square(128))
    other(pick(1, seed=9))
    assert np.array_equal(one(pick(2)).image, other(pick(2)).image)


@pytest.mark.parametrize("count", [3, ENDLESS])
def test_images_are_read_or_made_once(count):
    source = Square(64, count=count)
    crops = maker(source, size=64)
    for index in (0, 1, 0):
        crops(pick(index))
    assert source.read == [0, 1]


def test_of_more_images_than_memory_is_meant_for_the_last_ones_are_kept(monkeypatch):
    monkeypatch.setattr("graticule.training.job.KEPT_BYTES", 2 * 64 * 64 * 8)
    source = Square(64)
    crops = maker(source, size=64)
    for index in (0, 1, 0, 2, 0, 1):
        crops(pick(index))
    assert source.read == [0, 1, 2, 1]


def test_what_it_keeps_does_not_travel():
    crops = maker(Square(512))
    crops(pick())
    assert len(pickle.dumps(crops)) < 2000
