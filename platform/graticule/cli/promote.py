"""``graticule promote``: another champion, and a running endpoint told of it."""

import json
import os
from typing import Annotated, Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import typer

from graticule.cli.saying import say
from graticule.core.errors import ConfigError

SERVER_VARIABLE, TOKEN_VARIABLE = "GRATICULE_SERVER", "GRATICULE_SERVE_TOKEN"
_SECONDS = 120.0


def promote(
    version: Annotated[int, typer.Argument(metavar="VERSION", help="Of graticule-segmenter")],
    server: Annotated[
        str | None,
        typer.Option(
            "--server", envvar=SERVER_VARIABLE, help="Endpoint to be told, as http://127.0.0.1:8000"
        ),
    ] = None,
) -> None:
    """Make a registered version the champion; an endpoint takes it up without a dropped request.

    With --server it is told at once, and this returns when it answers with the new one; without,
    endpoints find out by themselves within seconds.
    """
    from graticule.experiments.champion import champion, set_champion

    set_champion(version, why="graticule promote")
    now = champion()
    say(f"champion: {now.weights} ({now.network})")
    if server is not None:
        told = _refreshed(server.rstrip("/"))
        if told["champion"] != now.weights:
            problem = told["champion_problem"] or "it asks another registry; give both the same"
            raise ConfigError(f"{server} still answers with {told['champion']}: {problem}")
        say(f"answers:  {server}")


def _refreshed(server: str) -> dict[str, Any]:
    """Have an endpoint look at the registry; return its models.

    Raises:
        ConfigError: If it does not answer, or refuses.
    """
    token = os.environ.get(TOKEN_VARIABLE, "").strip()
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        request = Request(f"{server}/v1/models/refresh", method="POST", headers=headers)
        with urlopen(request, timeout=_SECONDS) as answer:
            told: dict[str, Any] = json.load(answer)
    except HTTPError as error:
        remedy = f"; set {TOKEN_VARIABLE}" if error.code == 401 else ""
        raise ConfigError(f"{server} refuses to look at the registry (status {error.code}){remedy}") from None
    except (URLError, OSError, ValueError) as error:
        said = getattr(error, "reason", None) or error
        raise ConfigError(f"{server} does not answer as an endpoint ({said}); check --server") from None
    return told
