"""What can go wrong for a user, in one small tree.

::

    GraticuleError
    ├── ConfigError            an option or a value that cannot be
    │   └── UnknownNameError   a name that no table knows; lists the known ones
    ├── InputError             the data handed in cannot be used
    ├── StorageError           the place of the result cannot be used
    │   └── ExperimentError    what lies there is not what the command expects
    └── PipelineError          the machinery failed: Ray, or a worker in a way nobody foresaw

Every message is one line: what was wrong, with its value, and the remedy. The value of an
address is told without keys, whoever shows the message.
"""

from collections.abc import Iterable

from graticule.core.keyless import without_keys


class GraticuleError(Exception):
    """Base of all errors that a user can cause and mend."""

    def __str__(self) -> str:
        """Return the message; a password or a signature in an address is not part of it."""
        return without_keys(super().__str__())


class ConfigError(GraticuleError):
    """An option or a value that cannot be."""


class UnknownNameError(ConfigError):
    """A name that no table knows."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        self.kind, self.name, self.known = kind, name, tuple(sorted(known))
        super().__init__(f"unknown {kind} {name!r}; known: {', '.join(self.known)}")

    def __reduce__(self) -> tuple[type["UnknownNameError"], tuple[str, str, tuple[str, ...]]]:
        return UnknownNameError, (self.kind, self.name, self.known)


class InputError(GraticuleError):
    """The data handed in cannot be used."""


class StorageError(GraticuleError):
    """The place of the result cannot be used: full, read-only, not reachable."""


class ExperimentError(StorageError):
    """What lies at the experiment's path is not what the command expects."""


class PipelineError(GraticuleError):
    """The machinery failed: Ray did not start, or a worker ended in a way nobody foresaw."""
