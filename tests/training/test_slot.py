import pytest
import torch

from graticule.core.errors import ConfigError
from graticule.training.recipe import Recipe, TrackerRecipe
from graticule.training.slot import slot_errors

RECIPE = Recipe(network="vmamba", size=64, batch=6, slots=2)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            torch.OutOfMemoryError("CUDA out of memory.\nmore"),
            r"memory of the graphics card; .* \(CUDA out of",
        ),
        (ValueError("Expected more than 1 value per channel when training"), "too little .* larger --batch"),
    ],
)
def test_a_slot_of_the_wrong_size_is_named_with_the_remedy(error, said):
    with (
        pytest.raises(ConfigError, match=f"^vmamba: a slot of 3 images of 64 px .*{said}"),
        slot_errors(RECIPE),
    ):
        raise error


def test_a_slot_that_no_machine_could_hold_is_named():
    with pytest.raises(ConfigError, match="does not fit in the memory of the machine"), slot_errors(RECIPE):
        torch.empty(1 << 60, dtype=torch.uint8)


def test_a_slot_of_a_tracker_is_of_clips():
    tracker = TrackerRecipe(network="deaot-t", size=65, batch=1)
    with (
        pytest.raises(ConfigError, match=r"^deaot-t: a slot of 1 clip of 65 px does not fit"),
        slot_errors(tracker),
    ):
        raise torch.OutOfMemoryError("CUDA out of memory.")


@pytest.mark.parametrize("error", [ValueError("another"), RuntimeError("another"), KeyError("x")])
def test_other_errors_stay_what_they_are(error):
    with pytest.raises(type(error)) as raised, slot_errors(RECIPE):
        raise error
    assert raised.value is error
