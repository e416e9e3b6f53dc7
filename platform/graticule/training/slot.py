"""A slot of a step that is too much for the memory, or too little to learn from, in words of users."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from graticule.core.errors import ConfigError
from graticule.training.recipe import Recipe, TrackerRecipe

_NO_STATISTICS = "Expected more than 1 value per channel"
_NO_MEMORY = "can't allocate memory"


@contextmanager
def slot_errors(recipe: Recipe) -> Iterator[None]:
    """Say what to change where torch fails since a slot is too large or too small.

    Raises:
        ConfigError: One line with the slot's size.
    """
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise _too_large(recipe, "graphics card", error) from None
    except RuntimeError as error:
        if _NO_MEMORY not in str(error):
            raise
        raise _too_large(recipe, "machine", error) from None
    except ValueError as error:
        if _NO_STATISTICS not in str(error):
            raise
        raise ConfigError(
            f"{_slot(recipe)} is too little for batch statistics; take a larger --batch"
        ) from None


def _too_large(recipe: Recipe, where: str, error: Exception) -> ConfigError:
    return ConfigError(
        f"{_slot(recipe)} does not fit in the memory of the {where}; take more --set slots=N, or"
        f" --set checkpointing=true ({str(error).splitlines()[0][:120]})"
    )


def _slot(recipe: Recipe) -> str:
    count = recipe.batch // recipe.slots
    what = "clip" if isinstance(recipe, TrackerRecipe) else "image"
    return f"{recipe.network}: a slot of {count} {what}{'' if count == 1 else 's'} of {recipe.size} px"
