"""Declare the endpoint on a Ray cluster, and again whenever the cluster has lost it.

It is declared at the start, since a cluster that knows it may know it by an older configuration: what has
not changed goes on as it is. Later only where a head that was started anew knows of no application. Asked
with the token of ``RAY_AUTH_TOKEN`` or ``RAY_AUTH_TOKEN_PATH``.
"""

import argparse
import json
import os
import sys
import time
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import yaml

DECLARED = "/api/serve/applications/"
LONGEST_SECONDS = 30.0
SERVE = "infra/serve.yaml"


class EndpointError(Exception):
    """What was wrong, and what would be right, in one line."""


def main() -> int:
    """Declare it, once or for as long as this runs; return the exit status."""
    given = _parsed()
    try:
        config = configuration(Path(given.config))
        address = _address(given.address)
        until = time.monotonic() + given.wait if given.once else None
        return _kept_declared(address, config, every=given.every, until=until)
    except EndpointError as error:
        print(f"endpoint: {error}", file=sys.stderr)
        return 1


def configuration(path: Path) -> dict[str, Any]:
    """Return what Serve is to run.

    Raises:
        EndpointError: If the file cannot be read, or names no application.
    """
    try:
        config = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        said = getattr(error, "strerror", None) or " ".join(str(error).split())
        raise EndpointError(f"{path} cannot be read ({said}); --config names a file like {SERVE}") from None
    applications = config.get("applications") if isinstance(config, dict) else None
    named = isinstance(applications, list) and all(
        isinstance(one, dict) and "name" in one for one in applications
    )
    if not applications or not named:
        raise EndpointError(f"{path} has no applications with a name; --config names a file like {SERVE}")
    return config


def _kept_declared(address: str, config: dict[str, Any], *, every: float, until: float | None) -> int:
    wanted = {application["name"] for application in config["applications"]}
    declared = False
    while True:
        try:
            if not declared or not wanted <= running(address):
                declare(address, config)
                declared = True
                print(f"endpoint: declared {', '.join(sorted(wanted))} at {address}", flush=True)
            if until is not None:
                return 0
        except (OSError, HTTPException, ValueError) as error:
            if until is not None and time.monotonic() >= until:
                raise EndpointError(
                    f"{address} does not do it ({error}); look whether Ray's head runs there and has"
                    " the token of RAY_AUTH_TOKEN, or give it longer by --wait"
                ) from None
            print(f"endpoint: {address} does not do it ({error}); trying again", flush=True)
        time.sleep(every if until is None else max(0.0, min(every, until - time.monotonic())))


def running(address: str) -> set[str]:
    """Return the names of the applications that the cluster knows."""
    return set(_asked(address, None).get("applications", {}))


def declare(address: str, config: dict[str, Any]) -> None:
    """Have the cluster run what a configuration says, and nothing else."""
    _asked(address, json.dumps(config).encode())


def _asked(address: str, body: bytes | None) -> dict[str, Any]:
    headers = {"Content-Type": "application/json", **_authorization()}
    request = Request(address + DECLARED, body, headers, method="GET" if body is None else "PUT")
    with urlopen(request, timeout=LONGEST_SECONDS) as answer:
        return json.loads(answer.read() or b"{}")


def _authorization() -> dict[str, str]:
    path = os.environ.get("RAY_AUTH_TOKEN_PATH")
    token = os.environ.get("RAY_AUTH_TOKEN") or (_token(Path(path)) if path else "")
    return {"Authorization": f"Bearer {token}"} if token else {}


def _token(path: Path) -> str:
    try:
        return path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        said = getattr(error, "strerror", None) or "no text"
        raise EndpointError(
            f"RAY_AUTH_TOKEN_PATH: {path} cannot be read ({said}); name the token's file"
        ) from None


def _address(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise EndpointError(f"--address {text} is no address; write http://{text.rpartition('://')[2]}")
    return text.rstrip("/")


def _parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Declare the endpoint on a Ray cluster, and keep it declared."
    )
    parser.add_argument("--address", default="http://127.0.0.1:8265", help="of the Ray dashboard")
    parser.add_argument("--config", default=str(Path(__file__).with_name("serve.yaml")))
    parser.add_argument("--every", type=float, default=15.0, help="seconds between two looks")
    parser.add_argument("--once", action="store_true", help="end as soon as it is declared")
    parser.add_argument(
        "--wait", type=float, default=60.0, help="with --once: seconds after which it is given up"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
