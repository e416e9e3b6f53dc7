"""What the pages' commands share: one Ray, one registry, one endpoint, one set of small files."""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from unittest.mock import patch

import pytest

from docs.asking import forked
from docs.fences import ROOT
from docs.page import Scene
from docs.servers import endpoint, prometheus, tools, zygote
from docs.turns import Turns, asks_the_endpoint
from graticule.experiments.server import DATABASE
from local_head import BIN, local_head

STANDINS = Path(__file__).parent / "standins"
NOT_OURS = ("MLFLOW_TRACKING_URI", "RAY_ADDRESS", "PYTHONDONTWRITEBYTECODE")
"""A reader has none of them; with the last each of a hundred processes compiles all it imports."""


@pytest.fixture(scope="session")
def page_said(tmp_path_factory, request) -> Iterator[Callable[[str], str]]:
    """Wait for the end of a page's commands; return what they said."""
    names = [
        item.callspec.params["page"] for item in request.session.items if "page_said" in item.fixturenames
    ]
    with _scene(tmp_path_factory.mktemp("scene"), names) as scene:
        turns = Turns(scene, names)
        with turns.under_way():
            yield turns.outcome


@contextmanager
def _scene(folder: Path, names: Sequence[str]) -> Iterator[Scene]:
    home = folder / "home" / ".graticule"
    own = {"HOME": str(home.parent), "GRATICULE_HOME": str(home), "MPLBACKEND": "agg", "CURL": "curl"}
    own |= {"DOCS_ZYGOTE": str(folder / "zygote"), "OMP_NUM_THREADS": "1"}
    os.chdir(ROOT)
    with ExitStack() as stack:
        stack.enter_context(patch.dict(os.environ, own))
        for name in NOT_OURS:
            os.environ.pop(name, None)
        head = stack.enter_context(local_head(cpus=2, log=folder / "ray.log"))
        stack.enter_context(zygote(own["DOCS_ZYGOTE"], head.environment))
        assert forked(["python", str(Path(__file__).with_name("scene.py")), str(folder)]) == 0
        environment = head.environment | {
            "PATH": f"{STANDINS}:{tools(folder / 'tools')}",
            "RAY_ADDRESS": head.joined_at,
            "DOCS_BIN": str(BIN),
            "DOCS_PATH": os.environ["PATH"],
            "DOCS_RAY_TOKEN": head.environment["RAY_AUTH_TOKEN"],
            "DOCS_CURL": shutil.which("curl") or "/usr/bin/curl",
            "DOCS_ROOT": str(ROOT),
        }
        starting = stack.enter_context(ThreadPoolExecutor(1))
        of_endpoint = stack.enter_context(ExitStack())

        def start() -> str:
            environment["DOCS_ENDPOINT"] = of_endpoint.enter_context(endpoint(folder / "endpoint.log"))
            return environment["DOCS_ENDPOINT"]

        started = starting.submit(start) if any(map(asks_the_endpoint, names)) else None
        made = Scene(
            data=folder / "root",
            inputs=folder / "inputs",
            environment=environment,
            head=head.address,
            registry=f"sqlite:///{home / DATABASE}",
            prometheus=cache(lambda: stack.enter_context(prometheus(folder / "prometheus"))),
            endpoint=lambda: started.result() if started else "",
            stop_endpoint=of_endpoint.close,
        )
        yield made
        shutil.rmtree(made.kept, ignore_errors=True)
