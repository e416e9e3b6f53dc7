"""The run in MLflow that a comparison of any kind is logged to."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from graticule.core.environment import environment
from graticule.core.errors import ConfigError, GraticuleError
from graticule.experiments.provenance import git_revision, machine
from graticule.experiments.runs import Run, start
from graticule.training.comparison.folder import check_free


@contextmanager
def recording(experiment: str, out: Path, *, overwrite: bool) -> Iterator[Run]:
    """Yield a new run, called as the folder is; what goes wrong in the block ends it as failed.

    It is begun first, so that an MLflow that does not answer is known before the work.

    Raises:
        ConfigError: If MLflow does not answer.
        StorageError: If ``out`` holds something.
    """
    check_free(out, overwrite=overwrite)
    run = start(experiment, out.name)
    try:
        yield run
    except BaseException as error:
        with suppress(GraticuleError):  # what went wrong first is what the user must know
            run.finish("FAILED" if isinstance(error, Exception) else "KILLED")
        raise


def describe(run: Run, out: Path, **tags: str) -> None:
    """Log where the work is done, and by what."""
    revision = git_revision()
    known = {"mlflow.source.git.commit": revision} if revision else {}
    run.tags({**tags, "machine": machine(), "out": str(out), **known})
    run.artifact(json.dumps(environment(), indent=1).encode(), "environment.json")


def log_files(run: Run, out: Path) -> None:
    """Log all files of a comparison that is done."""
    for path in sorted(out.iterdir()):
        run.artifact(path, path.name)


@contextmanager
def done_but_for_mlflow(out: Path, *, remedy: str = "") -> Iterator[None]:
    """Say of an MLflow that does not answer in the end that nothing else is missing.

    Raises:
        ConfigError: If it does not.
    """
    try:
        yield
    except ConfigError as error:
        raise ConfigError(
            f"{error}; the comparison is done and lies in {out}, only MLflow does not know{remedy}"
        ) from None


def short(name: str) -> str:
    """Return the last two parts of a data set's path, as a name of metrics."""
    return "-".join(name.replace("\\", "/").replace(":", "-").rstrip("/").split("/")[-2:])
