"""The registry of models: an alias becomes a version, and a version a folder with weights."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from graticule.core.errors import ConfigError, InputError
from graticule.experiments.address import Address, parse
from graticule.experiments.home import home
from graticule.experiments.server import SERVED, artifact_root, asking, client, is_begun, tracking_uri

_MISSING = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")


@dataclass(frozen=True, kw_only=True, slots=True)
class Registered:
    """One version of a registered model; ``network`` is what its tag says, ``None`` without one."""

    name: str
    version: int
    aliases: tuple[str, ...]
    network: str | None
    tags: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def address(self) -> str:
        """How it is asked for: by its first alias, by its version without one."""
        if self.aliases:
            return str(Address(name=self.name, alias=self.aliases[0]))
        return str(Address(name=self.name, version=self.version))


def registered() -> list[Registered]:
    """Return all versions of all registered models, by name and version; none where nothing has begun.

    Raises:
        ConfigError: If the registry does not answer.
    """
    if not is_begun():
        return []
    with asking():
        found = list(_versions(client()))
    return sorted(found, key=lambda entry: (entry.name, entry.version))


def registered_version(name: str, version: int) -> Registered:
    """Return one version of a registered model.

    Raises:
        ConfigError: If there is none, or the registry does not answer.
    """
    _, found = _version(Address(name=name, version=version))
    with asking():
        return _entry(client(), found)


def resolve(uri: str) -> str:
    """Return the address with its alias replaced by the version it stands for now.

    One with a version stays as it is, and is not looked up.

    Raises:
        ConfigError: If it is no address, or no such alias is registered; lists what is.
    """
    address = parse(uri)
    return str(address if address.alias is None else _version(address)[0])


def fetch(uri: str) -> Path:
    """Return a local folder with the files of a registered model; fetched once, then kept.

    Raises:
        ConfigError: If nothing of that name is registered.
        InputError: If its files are gone from where the registry says they are.
    """
    address, version = _version(parse(uri))
    # A registry that was begun anew counts its versions from 1 again.
    born = f"{tracking_uri()} {address} {version.creation_timestamp} {version.source}"
    kept = home() / "models" / hashlib.sha256(born.encode()).hexdigest()[:16]
    if not kept.is_dir():
        with asking():
            source = _at_hand(client().get_model_version_download_uri(version.name, version.version))
        _download(str(address), source, kept)
    return kept


def _at_hand(source: str) -> str:
    """Return where files lie that a server of ``graticule mlflow`` passed on, when there is none to ask."""
    root, served = artifact_root(), source.removeprefix(SERVED)
    return source if root is None or served == source else str(root / served.lstrip("/"))


def _download(uri: str, source: str, kept: Path) -> None:
    from mlflow.artifacts import download_artifacts

    kept.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(dir=kept.parent, prefix="."))
    try:
        into = scratch / "got"
        into.mkdir()
        download_artifacts(artifact_uri=source, dst_path=str(into), tracking_uri=tracking_uri())
        os.rename(into, kept)
    except Exception as error:  # each artifact store has a tree of its own
        if not kept.is_dir():  # else another process was faster
            said = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise InputError(f"{uri}: its files cannot be fetched ({said}); register it again") from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _version(address: Address) -> tuple[Address, Any]:
    """Return the address by version, and what the registry knows of it."""
    if not is_begun():
        raise ConfigError(
            f"{address}: nothing is registered in {tracking_uri()}; name the server that has it in"
            " MLFLOW_TRACKING_URI, or give a file"
        )
    with asking():
        found = _asked(address)
        if found is None:
            known = ", ".join(_said(entry) for entry in registered()) or "nothing"
            raise ConfigError(f"{address} is not registered in {tracking_uri()}; registered: {known}")
    return Address(name=address.name, version=int(found.version)), found


def _asked(address: Address) -> Any:
    from mlflow.exceptions import MlflowException

    server = client()
    try:
        if address.alias is not None:
            return server.get_model_version_by_alias(address.name, address.alias)
        return server.get_model_version(address.name, str(address.version))
    except MlflowException as error:
        if error.error_code in _MISSING:
            return None
        raise


def _versions(server: Any) -> Iterator[Registered]:
    for model in _pages(server.search_registered_models):
        # Only the model itself knows its aliases; a version found by search has none.
        names = dict(server.get_registered_model(model.name).aliases)
        for version in _pages(server.search_model_versions, filter_string=f"name='{model.name}'"):
            yield _registered(version, names)


def _entry(server: Any, version: Any) -> Registered:
    return _registered(version, dict(server.get_registered_model(version.name).aliases))


def _registered(version: Any, names: Mapping[str, Any]) -> Registered:
    aliases = sorted(alias for alias, number in names.items() if int(number) == int(version.version))
    return Registered(
        name=version.name,
        version=int(version.version),
        aliases=tuple(aliases),
        network=(version.tags or {}).get("network"),
        tags=dict(version.tags or {}),
    )


def _pages(search: Any, **how: Any) -> Iterator[Any]:
    page = search(**how)
    yield from page
    while page.token:
        page = search(page_token=page.token, **how)
        yield from page


def _said(entry: Registered) -> str:
    aliases = "".join(f" @{alias}" for alias in entry.aliases)
    return f"models:/{entry.name}/{entry.version}{aliases}"
