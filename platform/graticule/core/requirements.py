"""What the installed graticule asks for, by its own metadata, and what of it is there."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from graticule.core.environment import version_of

OWN = "graticule"


@dataclass(frozen=True, kw_only=True, slots=True)
class Needed:
    """A package that is asked for: in which versions, and which is installed, if any."""

    package: str
    wanted: str
    installed: str | None

    @property
    def met(self) -> bool:
        """Whether it is there, in a version that will do."""
        if self.installed is None:
            return False
        return Requirement(f"{self.package}{self.wanted}").specifier.contains(
            self.installed, prereleases=True
        )

    def __str__(self) -> str:
        """What is there and what is wanted, in words."""
        return f"{self.package} {self.installed or 'not installed'} (wanted: {self.wanted or 'any'})"


def needed(extra: str | None = None) -> list[Needed]:
    """Return what graticule needs, or what one of its extras needs beside that.

    Where it was not installed, but is found by ``PYTHONPATH``, nothing is known: an empty list.
    """
    try:
        return list({found.package: found for found in _needed(OWN, extra)}.values())
    except PackageNotFoundError:
        return []


def _needed(package: str, extra: str | None) -> Iterator[Needed]:
    """Yield what a package needs, and what the extras need that it names: ``rosettasciio[hdf5]``."""
    for text in distribution(package).requires or ():
        asked = Requirement(text)
        if not _applies(asked, extra):
            continue
        name, installed = canonicalize_name(asked.name), version_of(asked.name)
        yield Needed(package=name, wanted=str(asked.specifier), installed=installed)
        if installed is not None:
            for inner in sorted(asked.extras):
                yield from _needed(name, inner)


def _applies(asked: Requirement, extra: str | None) -> bool:
    """Whether a requirement is one of the extra alone, or of no extra."""
    always = asked.marker is None or asked.marker.evaluate({"extra": ""})
    if extra is None:
        return always
    return not always and asked.marker is not None and asked.marker.evaluate({"extra": extra})
