"""``graticule mlflow``: look at runs, comparisons and registered models in a browser."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from graticule.cli.paths import located


def mlflow(
    port: Annotated[int, typer.Option("--port", min=1, max=65_535)] = 5000,
    host: Annotated[
        str, typer.Option("--host", help="0.0.0.0: other machines too; there is no password")
    ] = "127.0.0.1",
    folder: Annotated[
        str | None, typer.Option("--home", help="Default: $GRATICULE_HOME, or ~/.graticule")
    ] = None,
) -> None:
    """Show runs and models in a browser: MLflow's own server, until Ctrl-C."""
    from graticule.experiments.serve import is_local, serve

    if not is_local(host):
        typer.echo(f"anyone who reaches this machine at {host}:{port} can read and delete runs and models")
    typer.echo("starting MLflow …")
    where = Path(located(folder)) if folder else None
    serve(host=host, port=port, folder=where, ready=partial(_say, others=not is_local(host), port=port))
    typer.echo("ended")


def _say(address: str, *, others: bool, port: int) -> None:
    typer.echo(f"MLflow: {address}")
    typer.echo(f"jobs on this machine: export MLFLOW_TRACKING_URI={address}")
    if others:
        typer.echo(f"jobs elsewhere: export MLFLOW_TRACKING_URI=http://ADDRESS_OF_THIS_MACHINE:{port}")
    typer.echo("Ctrl-C ends it")
