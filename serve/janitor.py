"""Delete a folder once the process that holds the other end of stdin is gone, however it went.

Run as a script, with the standard library alone: it waits for as long as a server lives. It leaves its
parent at once: Ray kills the children of a worker that ends, and those of all workers with a node.
"""

import os
import secrets
import shutil
import signal
import sys
import time
from pathlib import Path

ASIDE = ".gone-"
_AGAIN_SECONDS = 0.2
_MOST_SECONDS = 60.0


def removed(folder: Path) -> bool:
    """Delete a folder; return whether there was one.

    It is put aside first, so that whoever still writes in it by its name cannot keep it from going.

    Raises:
        OSError: If something of it cannot be deleted; the next call tries again.
    """
    try:
        if os.path.lexists(folder):
            folder.rename(folder.with_name(f"{folder.name}{ASIDE}{secrets.token_hex(4)}"))
        aside = [path for path in folder.parent.iterdir() if path.name.startswith(folder.name + ASIDE)]
    except FileNotFoundError:
        return False  # somebody else was faster
    for path in aside:
        shutil.rmtree(path)
    return bool(aside)


def main(folder: str, quiet_seconds: str) -> None:
    """Wait for the end of stdin, then delete ``folder`` until nothing of it has come back for so long."""
    if os.fork():
        os._exit(0)
    os.setsid()
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, signal.SIG_IGN)  # it goes when its server has gone, and not before
    while sys.stdin.buffer.read(4096):
        pass
    _remove(Path(folder), quiet_seconds=float(quiet_seconds))


def _remove(folder: Path, *, quiet_seconds: float) -> None:
    began = gone = time.monotonic()
    problem: OSError | None = None
    while (now := time.monotonic()) - began < _MOST_SECONDS:
        try:
            gone = now if removed(folder) else gone
            if now - gone >= quiet_seconds:
                return
            problem = None
        except OSError as error:
            gone, problem = now, error
        time.sleep(_AGAIN_SECONDS)
    sys.stderr.write(f"graticule: {folder} is not deleted: {problem or 'somebody writes in it'}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
