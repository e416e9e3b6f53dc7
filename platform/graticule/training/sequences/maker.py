"""Makes the clip of a pick: of simulated sources from a movie, of others from a still set in motion."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from graticule.tracking.deaot.config import DeAOTConfig
from graticule.training.examples import Example, Source
from graticule.training.plan import Pick
from graticule.training.recipe import TrackerRecipe
from graticule.training.sequences.clip import Clip
from graticule.training.sequences.cutting import clip_of
from graticule.training.sequences.footage import Footage
from graticule.training.sequences.simulated import simulated
from graticule.training.sequences.stills import set_in_motion
from graticule.training.shelf import Shelf
from graticule.training.sources.simulated import Simulated

KEPT_BYTES = 2**29
"""Of footage and examples that a worker keeps in memory."""


def _size(made: Footage | Example) -> int:
    if isinstance(made, Footage):
        return made.frames.nbytes + made.ids.nbytes
    return made.image.nbytes + made.labels.nbytes


@dataclass
class ClipMaker:
    """Makes the clip of a pick. Pickles without what it keeps."""

    sources: Sequence[Source]
    recipe: TrackerRecipe
    _shelf: Shelf[Footage | Example] = field(default_factory=lambda: Shelf(_size), repr=False)

    def __call__(self, pick: Pick) -> Clip:
        """Return the clip; the same one for the same pick.

        Raises:
            InputError: If the example cannot be read.
        """
        recipe, key = self.recipe, (pick.source, pick.index)
        found = self._shelf.take(key, lambda: self._made(pick), most=KEPT_BYTES)
        if isinstance(found, Example):
            found = set_in_motion(found, recipe.clips, size=recipe.size, seed=pick.seed)
        slots = DeAOTConfig.model_validate(recipe.config).slots
        return clip_of(found, recipe, slots=slots, seed=pick.seed)

    def _made(self, pick: Pick) -> Footage | Example:
        source = self.sources[pick.source]
        if not isinstance(source, Simulated):
            return source.load(pick.index)
        preset, seed = source.movie(pick.index)
        return simulated(preset, self.recipe.clips, size=self.recipe.size, seed=seed)
