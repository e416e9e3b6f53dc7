"""What ``model`` may say: the champion, a network with its shipped weights, or a registered version."""

from dataclasses import dataclass

from graticule.experiments.address import CHAMPION, SEGMENTER, Address, parse

BUILTIN = "builtin"
PROMPTABLE = "efficient-sam-ti"
"""The network that answers prompts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelKey:
    """A network and its weights, named so that they stay the same: what replicas load and keep."""

    network: str
    weights: str = BUILTIN

    def __str__(self) -> str:
        """The key as one text, see :func:`key_of`."""
        return f"{self.network} {self.weights}"

    @property
    def name(self) -> str:
        """How a client asks for it."""
        return self.network if self.weights == BUILTIN else self.weights

    @property
    def takes_prompts(self) -> bool:
        """Whether it answers points and boxes."""
        return self.network == PROMPTABLE


def key_of(text: str) -> ModelKey:
    """Return the key that :meth:`ModelKey.__str__` wrote."""
    network, _, weights = text.partition(" ")
    return ModelKey(network=network, weights=weights)


def is_champion(name: str | None) -> bool:
    """Whether a client asks for the champion: by name, or by naming nobody."""
    return name in (None, CHAMPION, str(Address(name=SEGMENTER, alias=CHAMPION)))


def registered_version_of(name: str) -> Address | None:
    """Return the address of a registered model that a client names; ``None`` if it names none.

    Raises:
        ConfigError: If it should be one, and cannot be read.
    """
    return parse(name) if name.startswith("models:") else None
