"""Environment variables: graticule's own, by their names in the code, and those of the libraries beneath."""

import re
from pathlib import Path

from docs_reference.markdown import code, table

ROOT = Path(__file__).resolve().parents[3]
READ_BY = ("platform", "serve", "jobs")
OURS = {
    "GRATICULE_HOME": "folder of fetched weights (`weights/`, `models/`) and, without a tracking server,"
    " of the registry (`mlflow.db`); default `~/.graticule`. On a cluster: a folder that all nodes see",
    "GRATICULE_SEGMENTER": "the segmenter where `--segmenter` is not given",
    "GRATICULE_TRACKER": "the tracker where `--tracker` is not given",
    "GRATICULE_SCAN": "backend of VMamba's selective scan: `auto`, `compiled`, `chunked`, `sequential`,"
    " `mamba`, `triton`",
    "GRATICULE_SERVER": "endpoint that `graticule promote` tells, where `--server` is not given",
    "GRATICULE_SERVE_TOKEN": "secret that requests to the endpoint must bear",
    "GRATICULE_SERVE_TOKEN_FILE": "file that holds this secret; goes before the other",
    "GRATICULE_SERVE_MOST_BYTES": "most bytes of a request that Serve's proxy lets through; set it where"
    " Ray is started, if `image_bytes` or `movie_bytes` are raised",
}
LIBRARIES = {
    "MLFLOW_TRACKING_URI": "server, or database, of runs and registered models; default: `mlflow.db` in the"
    " home",
    "RAY_ADDRESS": "Ray to join; where it is not set, a command starts one of its own and stops it again",
    "RAY_AUTH_MODE": "`token`: Ray asks for a secret; the same on head, workers and where jobs are submitted",
    "RAY_AUTH_TOKEN": "this secret; `RAY_AUTH_TOKEN_PATH` names a file that holds it",
    "RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH": "`serve.front:middlewares`, where Ray is started for the"
    " endpoint",
    "RAY_USAGE_STATS_ENABLED": "`0`: Ray reports nothing to its makers",
    "AWS_ACCESS_KEY_ID": "with `AWS_SECRET_ACCESS_KEY`: the key of an S3 store, for paths that begin with `s3://`",
    "AWS_ENDPOINT_URL": "address of an S3 store other than Amazon's",
    "AWS_DEFAULT_REGION": "its region",
    "OMP_NUM_THREADS": "threads of the numeric libraries in commands that use no workers; `make` sets 1",
}
_NAME = re.compile(r"[\"'`$](GRATICULE_[A-Z][A-Z_]*[A-Z])\b")


def variables() -> str:
    """Return tables of variables; one that the code reads and nobody describes stops the build."""
    unsaid = read() - set(OURS)
    if unsaid:
        raise KeyError(f"{sorted(unsaid)} are read by the code; say what they are for in {__name__}")
    return "\n\n".join(
        [
            "## Of graticule",
            table(("variable", "what"), [(code(name), what) for name, what in OURS.items()]),
            "## Of the libraries beneath",
            table(("variable", "what"), [(code(name), what) for name, what in LIBRARIES.items()]),
        ]
    )


def read() -> set[str]:
    """Return the names of graticule's own variables that stand in the code."""
    modules = [file for folder in READ_BY for file in (ROOT / folder).rglob("*.py")]
    return {name for file in modules for name in _NAME.findall(file.read_text("utf-8"))}
