"""What made a result beside its versions: this code's revision, and the machine."""

import os
import platform
import subprocess
from pathlib import Path

from graticule.core.environment import environment

_SECONDS = 10
_GIB = 2**30


def what_ran() -> dict[str, str]:
    """Return the versions of what decides a result, and the revision of this code where it is a checkout.

    An installation in place keeps the version it was installed as while its code moves on: there
    the revision tells.
    """
    revision = git_revision()
    return {**environment(), **({"revision": revision} if revision else {})}


def git_revision(folder: Path | None = None) -> str | None:
    """Return the commit of the checkout that a folder is part of, ``-dirty`` where it was changed since.

    Args:
        folder: By default that of this package.

    Returns:
        ``None`` where there is no git, or no checkout; a folder within one that holds nothing of
        it, as an environment of installed packages does, is not part of it.
    """
    where = folder or Path(__file__).parent
    commit = _git(where, "rev-parse", "HEAD")
    if not commit or not _git(where, "ls-files"):
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
