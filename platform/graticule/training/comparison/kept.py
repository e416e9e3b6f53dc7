"""Who was measured already, kept beside a comparison until it is finished.

Interrupted and begun again, a comparison measures only those that are missing.
"""

import json
import shutil
from dataclasses import asdict, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from graticule.core.environment import environment
from graticule.core.errors import GraticuleError
from graticule.core.keyless import keyless
from graticule.experiments.provenance import git_revision, machine
from graticule.models.weights import weights_sha256
from graticule.storage.failures import storage_errors
from graticule.storage.place import Place
from graticule.training.comparison.measure import Measured, Work
from graticule.training.comparison.scores import ImageScores

FILE = "measured.json"


class Kept:
    """Results of entrants in a folder ``.NAME.unfinished`` beside the comparison's own.

    A result counts for the same weights on the same images, measured in the same way by the
    same code on the same machine.
    """

    def __init__(self, out: Path) -> None:
        self.folder = out.parent / f".{out.name}.unfinished"
        self._made_by = [machine(), git_revision(), environment()]

    def at_home(self, work: Work) -> Work:
        """Return the work with a folder for its labels, which is made.

        Raises:
            StorageError: If it cannot be made.
        """
        keep = self.folder / self._key(work)
        with storage_errors(str(self.folder)):
            keep.mkdir(parents=True, exist_ok=True)
        return replace(work, keep=keep)

    def find(self, work: Work) -> Measured | None:
        """Return what a work :meth:`at_home` came to earlier; ``None`` if it was not finished."""
        content = self._place(work).read(FILE)
        return None if content is None else _measured(work, json.loads(content))

    def keep(self, work: Work, measured: Measured) -> None:
        """Keep a result; one with trouble is not, since that may be over next time."""
        if measured.trouble is None:
            said = {name: value for name, value in asdict(measured).items() if name != "entrant"}
            self._place(work).write(FILE, json.dumps(keyless(said), default=str).encode())

    def remove(self) -> None:
        """Remove everything that was kept."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _place(self, work: Work) -> Place:
        assert work.keep is not None
        return Place.at(str(work.keep))

    def _key(self, work: Work) -> str:
        sets = [(images.name, images.source.digest(), images.indices) for images in work.sets]
        how = [work.polarity, work.threads, self._made_by]
        said = json.dumps([work.entrant.network, _holding(work), sets, how], default=str)
        return sha256(said.encode()).hexdigest()[:24]


def _holding(work: Work) -> str | None:
    """Return what stands for an entrant's weights: their digest, where they can be had."""
    entrant = work.entrant
    if entrant.network is None or entrant.weights is None:
        return entrant.weights
    try:
        return weights_sha256(entrant.network, entrant.weights)
    except (GraticuleError, OSError):
        return entrant.weights  # the work itself says what is wrong


def _measured(work: Work, said: dict[str, Any]) -> Measured:
    scores = tuple(tuple(ImageScores(**image) for image in images) for images in said.pop("scores"))
    options = tuple(said.pop("options"))
    return Measured(**said, entrant=work.entrant, scores=scores, options=options)
