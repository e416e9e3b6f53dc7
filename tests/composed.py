"""``infra/compose.yaml`` as compose reads it: variables filled in, anchors merged."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
FILE = ROOT / "infra" / "compose.yaml"
VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?P<how>:[-?])(?P<rest>[^}]*)\}")
SECRETS = {
    "RAY_AUTH_TOKEN": "ray-token",
    "GRATICULE_SERVE_TOKEN": "serve-token",
    "POSTGRES_PASSWORD": "postgres-password",
    "AWS_ACCESS_KEY_ID": "s3-access",
    "AWS_SECRET_ACCESS_KEY": "s3-secret",
    "GF_SECURITY_ADMIN_PASSWORD": "grafana-password",
}
"""What a test takes for the secrets in infra/.env."""


class Unset(KeyError):
    """A variable that has no value and no default."""


def filled_in(text: str, values: Mapping[str, str]) -> str:
    """Return a text with compose's variables replaced by values or defaults, and ``$$`` by a dollar."""

    def value(match: re.Match[str]) -> str:
        if values.get(match["name"]):
            return values[match["name"]]
        if match["how"] == ":?":
            raise Unset(match["name"])
        return match["rest"]

    return VARIABLE.sub(value, text).replace("$$", "$")


@cache
def composed() -> dict[str, Any]:
    """Return the file as a whole, without extension fields."""
    read = yaml.safe_load(filled_in(FILE.read_text(), SECRETS))
    return {name: value for name, value in read.items() if not name.startswith("x-")}


def service(name: str) -> dict[str, Any]:
    """Return one service."""
    found: dict[str, Any] = composed()["services"][name]
    return found
