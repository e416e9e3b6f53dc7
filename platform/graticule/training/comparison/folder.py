"""The folder of a comparison: there whole or not at all."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from graticule.core.errors import StorageError
from graticule.report.comparison.publish import JSON
from graticule.storage.failures import storage_errors


def check_free(out: Path, *, overwrite: bool) -> None:
    """Refuse a place that holds something.

    Raises:
        StorageError: If it is a file, holds a comparison without ``overwrite``, or other things.
    """
    if out.exists() and not out.is_dir():
        raise StorageError(f"{out} is a file; choose a folder for the comparison")
    if not out.is_dir() or not any(out.iterdir()):
        return
    if not (out / JSON).is_file():
        raise StorageError(f"{out} holds other things than a comparison; choose another folder")
    if not overwrite:
        raise StorageError(f"{out} holds a comparison; choose another folder, or add --overwrite")


@contextmanager
def becoming(out: Path) -> Iterator[Path]:
    """Yield a scratch folder that takes the place of ``out`` when the block ends well.

    Raises:
        StorageError: If it cannot be written there.
    """
    with storage_errors(str(out)):
        out.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}."))
    try:
        scratch.chmod(0o755)
        yield scratch
        with storage_errors(str(out)):
            if out.exists():
                shutil.rmtree(out)
            scratch.rename(out)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
