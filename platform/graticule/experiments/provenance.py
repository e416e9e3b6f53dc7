"""What made a result beside its versions: this code's revision, and the machine."""

import os
import platform
import subprocess
from pathlib import Path

_SECONDS = 10
_GIB = 2**30


def git_revision(folder: Path | None = None) -> str | None:
    """Return the commit of the checkout that a folder is part of, ``-dirty`` where it was changed since.

    Args:
        folder: By default that of this package.

    Returns:
        ``None`` where there is no git, or no checkout.
    """
    where = folder or Path(__file__).parent
    commit = _git(where, "rev-parse", "HEAD")
    if not commit:
        return None
    return f"{commit}-dirty" if _git(where, "status", "--porcelain", "--untracked-files=no") else commit


def machine() -> str:
    """Return what this machine is in words: cores and main memory."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return f"{platform.machine()}, {os.cpu_count()} cores, {memory / _GIB:.0f} GiB"


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
