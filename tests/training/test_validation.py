from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import nn

from graticule.models.learned.output import SemanticOutput
from graticule.training.examples import Example, Source
from graticule.training.recipe import Recipe
from graticule.training.samples import sheet
from graticule.training.validation import Validation, summary
from threads import one_thread  # noqa: F401

RECIPE = Recipe(network="vmamba", size=64)


class Darker(nn.Module):
    """Calls foreground what is darker than a level."""

    def __init__(self, level: float) -> None:
        super().__init__()
        self.level = nn.Parameter(torch.tensor(level))

    def foreground(self, images):
        return SemanticOutput((self.level - images[:, :1]) * 100, None)


@dataclass
class Drawn(Source):
    """Two squares of 12 px, apart, on a bright film."""

    parted: bool = True
    edge: int = 64
    name: str = "drawn"

    def __len__(self) -> int:
        return 3

    def group(self, index: int) -> str:
        return str(index)

    def load(self, index: int) -> Example:
        labels = np.zeros((self.edge, self.edge), np.int32)
        labels[8:20, 8:20], labels[30:42, 34:46] = 1, 2
        return Example(
            image=np.where(labels > 0, 0.5, 0.8).astype(np.float32), labels=labels, parted=self.parted
        )

    def digest(self) -> str:
        return "drawn"


def validation(*sources: Source) -> Validation:
    return Validation(sources, [(0, 2)] * len(sources), RECIPE, device=torch.device("cpu"))


@pytest.mark.parametrize("edge", [64, 700], ids=["enlarged to one view", "covered by several views"])
def test_a_network_that_sees_all_particles_has_full_marks(edge):
    found = validation(Drawn(edge=edge))(Darker(0.65))
    assert found["ap50"] == found["f1"] == 1
    assert found["count_error"] == 0
    assert found["iou"] > 0.8
    assert found["score"] == found["ap50"]


def test_grey_levels_are_not_stretched_again():
    assert validation(Drawn())(Darker(0.45))["iou"] == 0


def test_where_particles_are_not_told_apart_the_foreground_counts():
    found = validation(Drawn(parted=False))(Darker(0.65))
    assert found["score"] == found["iou"]
    assert "ap50" not in found


def test_the_score_weighs_images_alike_whatever_their_labels():
    both = validation(Drawn(), Drawn(parted=False))(Darker(0.65))
    assert both["score"] == pytest.approx((both["ap50"] + both["iou"]) / 2)


def test_images_are_named_and_drawn():
    checked = validation(Drawn())
    scored = list(checked.each(Darker(0.65)))[:1]
    assert [one.name for one in scored] == ["drawn: 0"]
    assert sheet(scored).startswith(b"\x89PNG")
    assert sheet([]).startswith(b"\x89PNG")
    assert summary([]) == {}
    assert len(checked) == 2


def test_validating_draws_nothing_from_the_generator_of_training():
    before = torch.get_rng_state()
    validation(Drawn())(Darker(0.65))
    assert torch.equal(before, torch.get_rng_state())
