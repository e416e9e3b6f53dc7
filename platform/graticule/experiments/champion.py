"""The champion: the registered version that ``--segmenter champion`` stands for."""

from dataclasses import dataclass

from graticule.core.errors import ConfigError
from graticule.core.keyless import without_keys
from graticule.experiments.address import CHAMPION, SEGMENTER, Address
from graticule.experiments.models import Registered, registered, registered_version
from graticule.experiments.server import asking, client, tracking_uri

WHY = "champion.why"
"""Tag of a version: by which rule it became champion."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Champion:
    """What the champion is now: its network, and its weights by version."""

    network: str
    weights: str


def champion(name: str = SEGMENTER) -> Champion:
    """Return the champion, by version: the alias may move on while a job works.

    Raises:
        ConfigError: If there is none, or nobody knows its network; if the registry does not answer.
    """
    found = next((entry for entry in registered() if entry.name == name and CHAMPION in entry.aliases), None)
    if found is None:
        raise ConfigError(_none(name))
    weights = str(Address(name=name, version=found.version))
    if found.network is None:
        raise ConfigError(
            f"{weights} is the champion, but no tag says of which network; register it with graticule,"
            " or set its tag network"
        )
    return Champion(network=found.network, weights=weights)


def set_champion(version: int, *, name: str = SEGMENTER, why: str = "by hand") -> Registered:
    """Give a version the alias ``champion``; the one that had it loses it.

    Args:
        version: Of the registered model.
        name: Of the registered model.
        why: The rule by which it was chosen; kept as a tag.

    Raises:
        ConfigError: If there is no such version, or the registry does not answer.
    """
    registered_version(name, version)
    with asking():
        client().set_model_version_tag(name, str(version), WHY, why)
        client().set_registered_model_alias(name, CHAMPION, str(version))
    return registered_version(name, version)


def no_champion(name: str = SEGMENTER) -> None:
    """Take the alias away, if a version has it.

    Raises:
        ConfigError: If the registry does not answer.
    """
    if any(CHAMPION in entry.aliases for entry in registered() if entry.name == name):
        with asking():
            client().delete_registered_model_alias(name, CHAMPION)


def _none(name: str) -> str:
    versions = [entry for entry in registered() if entry.name == name]
    where = without_keys(tracking_uri())
    if not versions:
        return (
            f"there is no champion: no {name} is registered in {where}; train one (graticule train),"
            " name the server that has one in MLFLOW_TRACKING_URI, or name a segmenter"
        )
    known = ", ".join(f"{entry.version} ({entry.network or 'network unknown'})" for entry in versions)
    return (
        f"there is no champion in {where}; choose one of the versions {known}:"
        f" graticule models champion {versions[-1].version}"
    )
