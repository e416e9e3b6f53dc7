"""Delete a folder once the process that holds the other end of stdin is gone, however it went.

Run as a script, with the standard library alone: it waits for as long as a server lives.
"""

import shutil
import signal
import sys


def main(folder: str) -> None:
    """Wait for the end of stdin, then delete ``folder``."""
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, signal.SIG_IGN)  # it goes when its server has gone, and not before
    while sys.stdin.buffer.read(4096):
        pass
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1])
