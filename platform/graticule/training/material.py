"""What a user gives to train on: opened, told of, checked, and parted in two."""

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from graticule.core.errors import InputError
from graticule.training.difference import FILES
from graticule.training.examples import ENDLESS, Source
from graticule.training.settings import TrainSettings
from graticule.training.sources import OpenedSource, open_source
from graticule.training.sources.stamps import Stamps, digest_of
from graticule.training.split import Split, split, split_with

log = logging.getLogger(__name__)
SHOWN = 5
"""Names listed of many."""


@dataclass(frozen=True)
class Material:
    """Labelled images for one or more trainings.

    Attributes:
        settings: What was asked for.
        sources: To train on.
        validation: To validate on; empty where a part of ``sources`` is held out.
    """

    settings: TrainSettings
    sources: tuple[OpenedSource, ...]
    validation: tuple[OpenedSource, ...]

    @classmethod
    def opened(cls, settings: TrainSettings) -> "Material":
        """Open what the settings name.

        Raises:
            GraticuleError: If there are no labelled images, or they do not fit.
        """
        return cls(
            settings=settings,
            sources=tuple(open_source(text) for text in settings.data),
            validation=tuple(open_source(text) for text in settings.validation),
        )

    @cached_property
    def stamps(self) -> tuple[Stamps, ...]:
        """What stands for the files of each source, those to validate on last."""
        return tuple(source.stamps() for source in (*self.sources, *self.validation))

    @cached_property
    def identity(self) -> str:
        """Stands for the images and how they are used; where they lie does not count."""
        settings = self.settings
        total, count = sum(settings.weights), len(self.sources)
        digests = [digest_of(stamps) for stamps in self.stamps]
        parts = [
            digests[:count],
            [weight / total for weight in settings.weights],
            digests[count:],
            settings.held_out,
            settings.validated,
            *([sorted(settings.excluded)] if settings.excluded else []),
        ]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]

    @property
    def held_sources(self) -> tuple[Source, ...]:
        """Where the images to validate on come from."""
        return self.validation or self.sources

    @cached_property
    def split(self) -> Split:
        """Which examples are trained on, and which validated on; no more than asked for.

        Raises:
            InputError: If there are too few, or an image is on both sides.
        """
        excluded = frozenset(self.settings.excluded)
        if self.validation:
            parted = split_with(self.sources, self.validation, excluded=excluded)
        else:
            parted = split(self.sources, share=self.settings.held_out, excluded=excluded)
        self._check_enough(parted)
        return Split(train=parted.train, held=_evenly(parted.held, self.settings.validated))

    def about(self) -> dict[str, Any]:
        """Return what is said of the images in the record of a training, as JSON can say it."""
        asked = self.settings.model_dump(
            mode="json", include={"data", "validation", "held_out", "validated", "excluded"}
        )
        unlabelled = {source.name: source.unlabelled for source in self.sources if source.unlabelled}
        files = [
            {"source": source.name, "files": stamps}
            for source, stamps in zip((*self.sources, *self.validation), self.stamps, strict=True)
        ]
        return {**asked, "shares": self.settings.weights, "unlabelled": unlabelled, FILES: files}

    def tell(self) -> None:
        """Log what was found in each source, and what is held out."""
        for source in dict.fromkeys((*self.sources, *self.validation)):
            found = "images made as needed" if len(source) >= ENDLESS else f"{len(source)} labelled images"
            without = len(source.unlabelled)
            rest = f"; {without} without a label left out: {_some(source.unlabelled)}" if without else ""
            log.info("%s: %s%s", source.name, found, rest)
            for note in source.notes:
                log.warning("%s: %s", source.name, note)

    def tell_split(self) -> None:
        """Log how many images are trained on and how many are validated on."""
        finite = [
            len(part)
            for source, part in zip(self.sources, self.split.train, strict=True)
            if len(source) < ENDLESS
        ]
        made = " and made ones" if len(finite) < len(self.sources) else ""
        held = sum(map(len, self.split.held))
        train = f"{sum(finite)} images{made}" if finite else "made images"
        log.info("trained on %s; validated on %d held out", train, held)

    def check(self) -> None:
        """Read everything once, so that nothing stops a training after hours.

        Raises:
            InputError: If images and labels do not fit.
        """
        for source in dict.fromkeys((*self.sources, *self.validation)):
            source.check()

    def _check_enough(self, parted: Split) -> None:
        trained, held = sum(map(len, parted.train)), sum(map(len, parted.held))
        if not trained or not held:
            what = "train on" if not trained else "hold out for validation"
            if self.settings.excluded:
                raise InputError(
                    f"with all images of the {len(self.settings.excluded)} names excluded, and what belongs"
                    f" with them, nothing is left to {what}; add images, or take names off the list"
                )
            count = sum(len(source) for source in self.sources if len(source) < ENDLESS)
            raise InputError(
                f"{', '.join(source.name for source in self.sources)}: {count} labelled image"
                f"{'' if count == 1 else 's'} of one picture or sequence leave nothing to {what}; add images,"
                " or give others with --validation"
            )


def _evenly(held: Sequence[Sequence[int]], most: int) -> tuple[Sequence[int], ...]:
    """Return at most ``most`` examples, evenly over the sources and within each."""
    counts = [0] * len(held)
    while sum(counts) < most and any(n < len(part) for n, part in zip(counts, held, strict=True)):
        for place, part in enumerate(held):
            if counts[place] < len(part) and sum(counts) < most:
                counts[place] += 1
    return tuple(
        tuple(part[k * len(part) // n] for k in range(n)) for n, part in zip(counts, held, strict=True)
    )


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (" …" if len(names) > SHOWN else "")
