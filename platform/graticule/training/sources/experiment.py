"""Frames of an experiment with the instances that lie beside them."""

from typing import final

import numpy as np
from jaxtyping import Num

from graticule.core.errors import InputError
from graticule.io import places
from graticule.storage import layout
from graticule.storage.experiment import Experiment
from graticule.training.sources.opened import Labelled, OpenedSource
from graticule.training.sources.prepare import compact
from graticule.training.sources.stamps import Stamps, digest_of, stamps_of_experiment

_WRITERS = ("segment-", "simulate-")
"""How the names of runs begin that write instances."""


@final
class ExperimentFrames(OpenedSource):
    """All frames of one movie, which share one group; a frame may have no particle.

    Pickles as the experiment does: its place and attributes.
    """

    def __init__(self, name: str, experiment: Experiment) -> None:
        self.name, self.experiment = name, experiment

    def __len__(self) -> int:
        return self.experiment.shape[0]

    def group(self, index: int) -> str:
        """Return the movie."""
        return self.experiment.root

    def title(self, index: int) -> str:
        """Return the experiment and the frame's index in it."""
        return f"{self.experiment.root} frame {index}"

    def pixels(self, index: int) -> Num[np.ndarray, "y x"]:
        """Return a frame."""
        return np.asarray(self.experiment.read_image(index, index + 1)[0])

    def labelled(self, index: int) -> Labelled:
        """Return a frame with its instances."""
        ids = self.experiment.read_labels("instances", index, index + 1)[0]
        return Labelled(pixels=self.pixels(index), labels=compact(ids), parted=True)

    def check(self) -> None:
        """Read frames up to the first that has a particle.

        Raises:
            InputError: If none has.
        """
        if not any(self.labelled(index).labels.any() for index in range(len(self))):
            raise InputError(
                f"{self.experiment.root} has no particle in any frame; label it, or leave it out"
            )

    def stamps(self) -> Stamps:
        """Return what stands for the movie's attributes and for each file of its labels."""
        return stamps_of_experiment(self.experiment, layout.INSTANCES)

    def digest(self) -> str:
        """Return a digest of the movie's attributes, and of its labels' files (:mod:`.stamps`)."""
        return digest_of(self.stamps())


def open_experiment(text: str) -> ExperimentFrames:
    """Open an experiment whose instances are whole: segmented, simulated, or put there by a user.

    Raises:
        InputError: If it has none, or the stage that writes them has not finished.
        ExperimentError: If it was written by another version.
    """
    experiment = Experiment.open(places.located(text))
    writers = [name for name in experiment.runs() if name.startswith(_WRITERS)]
    is_whole = not writers or any(experiment.run(name).finished for name in writers)
    if not (is_whole and experiment.levels("instances")):
        raise InputError(
            f"{experiment.root} has no finished {layout.INSTANCES};"
            f" run graticule segment {experiment.root}, or give another source"
        )
    return ExperimentFrames(text, experiment)
