"""``models:/NAME@ALIAS`` and ``models:/NAME/VERSION``: how a registered model is named."""

import re
from dataclasses import dataclass

from graticule.core.errors import ConfigError

SCHEME = "models:/"
SEGMENTER, TRACKER, CHAMPION = "graticule-segmenter", "graticule-tracker", "champion"
"""The registered models of all segmenters and of all trackers, and the alias of the one to be used."""
_FORM = re.compile(r"models:/+(?P<name>[^/@]+)(?:@(?P<alias>[^/@]+)|/(?P<version>\d+))")


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """A registered model, by ``alias`` or by ``version``; exactly one is given."""

    name: str
    alias: str | None = None
    version: int | None = None

    def __str__(self) -> str:
        """The address as a user writes it."""
        return f"{SCHEME}{self.name}@{self.alias}" if self.alias else f"{SCHEME}{self.name}/{self.version}"


def parse(text: str) -> Address:
    """Read an address.

    Raises:
        ConfigError: If it is none; says how one is written.
    """
    found = _FORM.fullmatch(text)
    if found is None:
        raise ConfigError(
            f"{text!r} is no registered model; write models:/NAME@ALIAS, as in"
            " models:/graticule-segmenter@champion, or models:/NAME/VERSION"
        )
    version = found["version"]
    return Address(name=found["name"], alias=found["alias"], version=int(version) if version else None)
