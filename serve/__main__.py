"""Serve on this machine, in the foreground, on a Ray of its own: ``python -m serve``."""

import argparse
import logging
import os
import sys
import threading
from contextlib import suppress

from graticule.core import ray_metrics

ray_metrics.leave_off()

from graticule.core.ending import ended_by_signals  # noqa: E402
from graticule.core.errors import ConfigError, GraticuleError  # noqa: E402
from graticule.core.keyless import log_without_keys  # noqa: E402
from serve.settings import read_settings, secret  # noqa: E402

OBJECT_STORE_BYTES = 2**29
LOOPBACK = ("127.0.0.1", "localhost", "::1")
log = logging.getLogger("serve")


def main() -> int:
    """Serve until interrupted; return the exit status."""
    log_without_keys(level=logging.INFO, form="graticule: %(message)s")
    given = _parsed()
    try:
        _serve(given)
    except GraticuleError as error:
        print(f"graticule: error: {error}", file=sys.stderr)
        return 1
    return 0


def _parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m serve", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="0.0.0.0 lets other machines ask")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--model", help="who answers where neither request nor registry name a model")
    parser.add_argument("--replicas", type=int, default=2, help="most replicas that segment")
    parser.add_argument("--threads", type=int, help="of each; by default all cores are shared out")
    parser.add_argument(
        "--set",
        dest="others",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="see serve/settings.py",
    )
    return parser.parse_args()


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise ConfigError(f"--set {text!r} gives no value; write NAME=VALUE")
    return name, value


def _serve(given: argparse.Namespace) -> None:
    import ray
    from ray import serve

    from graticule.pipeline.loopback import on_loopback
    from serve.deployments import application
    from serve.front import MOST_VARIABLE, most_bytes

    cores = os.cpu_count() or 1
    threads = given.threads or max(1, cores // (max(1, given.replicas) + 1))
    named = {"default_model": given.model, "most_replicas": given.replicas, "threads": threads}
    settings = read_settings({**named, **dict(_pair(text) for text in given.others)})
    if secret() is None and given.host not in LOOPBACK:
        log.warning("%s lets everybody ask who can reach it; set GRATICULE_SERVE_TOKEN", given.host)
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [os.getcwd(), os.environ.get("PYTHONPATH")]))
    os.environ.setdefault("RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH", "serve.front:middlewares")
    os.environ.setdefault(MOST_VARIABLE, str(most_bytes(settings)))
    with suppress(KeyboardInterrupt):
        with on_loopback():
            ray.init(
                address="local",
                num_cpus=max(cores, 2),
                include_dashboard=False,
                object_store_memory=OBJECT_STORE_BYTES,
                logging_level=logging.ERROR,
                log_to_driver=False,
            )
        try:
            with ended_by_signals():  # Ray has put its own handler in place, which ends badly
                serve.start(http_options={"host": given.host, "port": given.port}, proxy_location="HeadOnly")
                serve.run(application(settings), name="graticule", route_prefix="/")
                shown = "127.0.0.1" if given.host in ("0.0.0.0", "::") else given.host
                log.info("http://%s:%d/ answers; the API is at /docs; Ctrl-C ends it", shown, given.port)
                threading.Event().wait()
        finally:
            serve.shutdown()  # type: ignore[no-untyped-call]
            ray.shutdown()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    sys.exit(main())
