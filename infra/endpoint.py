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
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import yaml

DECLARED = "/api/serve/applications/"
LONGEST_SECONDS = 30.0


def main() -> int:
    """Declare it, once or for as long as this runs; return the exit status."""
    given = _parsed()
    config = yaml.safe_load(Path(given.config).read_text("utf-8"))
    wanted = {application["name"] for application in config["applications"]}
    declared = False
    while True:
        try:
            if not declared or not wanted <= running(given.address):
                declare(given.address, config)
                declared = True
                print(f"endpoint: declared {', '.join(sorted(wanted))} at {given.address}", flush=True)
            if given.once:
                return 0
        except OSError as error:
            print(f"endpoint: {given.address} does not do it ({error}); trying again", flush=True)
        time.sleep(given.every)


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
    token = os.environ.get("RAY_AUTH_TOKEN") or (Path(path).read_text("utf-8").strip() if path else "")
    return {"Authorization": f"Bearer {token}"} if token else {}


def _parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Declare the endpoint on a Ray cluster, and keep it declared."
    )
    parser.add_argument("--address", default="http://127.0.0.1:8265", help="of the Ray dashboard")
    parser.add_argument("--config", default=str(Path(__file__).with_name("serve.yaml")))
    parser.add_argument("--every", type=float, default=15.0, help="seconds between two looks")
    parser.add_argument("--once", action="store_true", help="end as soon as it is declared")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
