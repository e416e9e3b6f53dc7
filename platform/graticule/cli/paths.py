"""Paths a command is given: absolute in a submitted job, expanded elsewhere."""

import os

from graticule.core.errors import ConfigError


def located(path: str) -> str:
    """Return ``path`` as an absolute path; URLs stay as they are.

    Raises:
        ConfigError: If it is empty, or relative inside a submitted job, whose working folder can be
            a temporary copy; the message has the absolute form.
    """
    if not path.strip():
        raise ConfigError("an empty path is given; name a file or a folder")
    if "://" in path:
        return path
    absolute = os.path.abspath(os.path.expanduser(path))
    if in_submitted_job() and not os.path.isabs(os.path.expanduser(path)):
        raise ConfigError(
            f"{path!r} is relative, and a submitted job's working folder can be a temporary copy;"
            f" give the absolute path, such as {absolute}"
        )
    return absolute


def located_weights(weights: str) -> str:
    """Return what ``--weights`` names: a file as an absolute path, all else as it stands.

    Raises:
        ConfigError: As :func:`located` for a file.
    """
    return weights if weights == "builtin" or weights.startswith("models:/") else located(weights)


def located_source(data: str) -> str:
    """Return what ``--data`` names: a place as :func:`located` has it, ``synthetic:PRESET`` as it stands.

    Raises:
        ConfigError: As :func:`located` for a place.
    """
    return data if data.startswith("synthetic:") else located(data)


def located_segmenter(text: str) -> str:
    """Return a segmenter's name, ``NETWORK=WEIGHTS`` or a folder, with its path absolute.

    Raises:
        ConfigError: As :func:`located` for a path.
    """
    text = text.strip()
    network, equals, weights = text.partition("=")
    if equals and weights and "/" not in network:
        return f"{network}={located_weights(weights)}"
    return located(text) if "/" in text and not text.startswith("models:/") else text


def located_comparison(out: str) -> str:
    """Return the local folder that a comparison is written to, as an absolute path.

    Raises:
        ConfigError: If it is a URL, or as :func:`located`.
    """
    if "://" in out:
        raise ConfigError(f"{out}: a comparison is written to a local folder; give a path")
    return located(out)


def in_submitted_job() -> bool:
    """Tell whether this process was started by ``ray job submit``."""
    return "RAY_JOB_CONFIG_JSON_ENV_VAR" in os.environ
