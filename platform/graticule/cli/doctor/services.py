"""What this machine is told to work with: the registry of models, Ray, and its token."""

import os
from collections.abc import Iterator
from pathlib import Path

from graticule.cli.doctor.finding import Finding, problem
from graticule.core.errors import GraticuleError

_MODE, _TOKEN, _TOKEN_PATH = "RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"
_USUAL = Path("~/.ray/auth_token")


def services() -> Iterator[Finding]:
    """Yield the registry, Ray's token and Ray."""
    yield _registry()
    token = _token()
    yield token
    if token.state != "problem":
        yield _cluster()


def _registry() -> Finding:
    from graticule.experiments.models import registered
    from graticule.experiments.server import is_begun, tracking_uri

    shown = tracking_uri()
    if not is_begun():
        return Finding(name="registry", found=f"{shown}: nothing registered yet")
    try:
        versions = registered()
    except GraticuleError as error:
        return problem("registry", error)
    champion = next((entry for entry in versions if "champion" in entry.aliases), None)
    crowned = f", champion {champion.name}/{champion.version}" if champion else ""
    return Finding(name="registry", found=f"{shown}: {len(versions)} versions of models{crowned}")


def _token() -> Finding:
    """Say what Ray would say, but in one line and before it is started."""
    name, mode = "Ray token", os.environ.get(_MODE)
    if mode == "disabled":
        return Finding(name=name, found=f"off ({_MODE}=disabled)")
    found = _token_found()
    if isinstance(found, Finding):
        return found
    if found is not None:
        return Finding(name=name, found=f"from {found}; {_MODE} is {mode or 'not set: Ray decides'}")
    if mode == "token":
        return problem(
            name, f"{_MODE}=token, and there is no token", f"set {_TOKEN_PATH} to the cluster's token file"
        )
    return Finding(name=name, found=f"none, and {_MODE} is not set", state="absent")


def _token_found() -> str | Finding | None:
    if os.environ.get(_TOKEN):
        return _TOKEN
    named = os.environ.get(_TOKEN_PATH)
    file = Path(named) if named else _USUAL.expanduser()
    try:
        if file.read_text().strip():
            return str(file)
        lacks = "is empty"
    except OSError as error:
        lacks = f"cannot be read ({error.strerror})"
    return problem("Ray token", f"{_TOKEN_PATH}={named} {lacks}", "name the token file") if named else None


def _cluster() -> Finding:
    from graticule.pipeline.cluster import VARIABLE, cluster

    try:
        there = cluster()
    except GraticuleError as error:
        return problem("Ray address", error)
    if there is None:
        return Finding(name="Ray address", found="none: commands start a local Ray", state="absent")
    found = f"{os.environ[VARIABLE]}: {there.nodes} nodes, {there.cpus} CPUs, {there.gpus} GPUs"
    return Finding(name="Ray address", found=found)
