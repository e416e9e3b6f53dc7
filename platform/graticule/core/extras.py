"""Packages that not everyone installs: imported when asked for, missed in one line."""

from importlib import import_module
from typing import Any

from graticule.core.errors import ConfigError


def extra_package(name: str, *, extra: str, wanted_by: str) -> Any:
    """Return a module of a package that comes with an extra of graticule.

    Args:
        name: Of the module: ``trackeval.metrics``.
        extra: Which brings it: ``compare``.
        wanted_by: Who needs it, for the message: ``tracker trackpy``.

    Raises:
        ConfigError: If it is not installed, or cannot be imported.
    """
    try:
        return import_module(name)
    except ImportError as error:
        package = name.partition(".")[0]
        missing = isinstance(error, ModuleNotFoundError) and error.name == package
        said = f"the package {package}" if missing else f"a working {package} ({error})"
        raise ConfigError(f"{wanted_by} needs {said}: pip install 'graticule[{extra}]'") from None
