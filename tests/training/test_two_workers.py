"""Two workers learn, step by step, what one learns from the same slots."""

import pytest
import torch
from torch import multiprocessing

from graticule.core.errors import ConfigError
from graticule.training.stepper import Stepper
from graticule.training.world import Alone
from threads import one_thread  # noqa: F401
from training.tiny import EVERY, learner_of, recipe_of
from training.two_workers import Trail, trail_of, train_together

pytestmark = pytest.mark.slow

RECIPES = {name: recipe_of(name, epochs=1) for name in EVERY} | {
    "vmamba in four slots": recipe_of("vmamba", epochs=1, slots=4),
    "prompted": recipe_of("efficient-sam-ti", epochs=1, task="prompted"),
    "semantic": recipe_of("efficient-sam-ti", epochs=1, task="semantic"),
    "vmamba computed twice": recipe_of("vmamba", epochs=1, checkpointing=True),
}


@pytest.fixture(scope="module")
def together(tmp_path_factory) -> tuple[dict[str, Trail], dict[str, Trail]]:
    """What each of the two workers saw."""
    folder = tmp_path_factory.mktemp("workers")
    given = (str(folder), list(RECIPES.values()))
    multiprocessing.spawn(train_together, args=given, nprocs=2)
    first, second = (torch.load(folder / f"{rank}.pt") for rank in range(2))
    return dict(zip(RECIPES, first, strict=True)), dict(zip(RECIPES, second, strict=True))


@pytest.mark.parametrize("case", RECIPES)
def test_two_workers_give_the_losses_and_weights_of_one(together, case):
    alone, (first, _) = trail_of(RECIPES[case]), together
    assert len(alone) == len(first[case]) == 3
    for ours, theirs in zip(alone, first[case], strict=True):
        assert theirs["loss"] == pytest.approx(ours["loss"], abs=1e-4, rel=1e-5)
        assert theirs["parts"] == pytest.approx(ours["parts"], abs=1e-4, rel=1e-5)
        torch.testing.assert_close(theirs["state"], ours["state"], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("case", RECIPES)
def test_both_workers_end_with_the_same_weights_and_statistics(together, case):
    first, second = together
    torch.testing.assert_close(first[case][-1]["state"], second[case][-1]["state"], atol=0, rtol=0)


def test_slots_that_cannot_be_shared_evenly_are_refused():
    recipe = recipe_of("vmamba", slots=1)
    world = Alone()
    world.size = 2
    with pytest.raises(ConfigError, match="1 slots of a step cannot be shared by 2 workers"):
        Stepper(learner_of(recipe), recipe, world, torch.device("cpu"))
