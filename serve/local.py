"""The server in one plain process, without Ray: to develop the page, and to try things out.

python -m serve.local --port 8000
"""

import argparse
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI

from serve.api import build_api
from serve.inprocess import InProcess
from serve.measures import Measures
from serve.settings import ServeSettings, secret


def local_api(settings: ServeSettings, *, token: bytes | None = None) -> FastAPI:
    """Return the application with its backend in this process."""
    measures = Measures()
    backend = InProcess(settings, measures)

    @asynccontextmanager
    async def closing(_: FastAPI) -> AsyncIterator[None]:
        yield
        await backend.close()

    return build_api(settings, backend, token=token, measures=measures, lifespan=closing)


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--model", help="who answers by default")
    given = parser.parse_args()
    settings = ServeSettings(default_model=given.model)
    uvicorn.run(local_api(settings, token=secret()), host=given.host, port=given.port, log_level="warning")


if __name__ == "__main__":
    main()
