"""A tracker to be trained on clips, where other networks are trained on crops."""

from dataclasses import dataclass

import torch

from graticule.training.feed import CropOf
from graticule.training.job import Job
from graticule.training.recipe import TrackerRecipe
from graticule.training.sequences.maker import ClipMaker
from graticule.training.sequences.validation import ClipValidation


@dataclass(frozen=True, kw_only=True)
class TrackerJob(Job):
    """All that decides the result of a tracker's training; images become clips."""

    recipe: TrackerRecipe

    def maker(self) -> CropOf:
        """Return what makes the clip of a pick."""
        return ClipMaker(self.sources, self.recipe)

    def validation(self, device: torch.device | str = "cpu") -> ClipValidation:
        """Return what tells how well a network follows the objects of clips held out."""
        return ClipValidation(self.held_sources, self.held, self.recipe, device=torch.device(device))
