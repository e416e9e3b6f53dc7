"""What the stand-ins ask for: a command in a process that has its imports already."""

import fcntl
import hashlib
import json
import os
import socket
from collections.abc import Callable, Sequence
from pathlib import Path


def forked(words: Sequence[str], environment: dict[str, str] | None = None) -> int:
    """Run a command in a fork of ``zygote.py``, here and with our streams; return its exit status."""
    given = dict(os.environ) if environment is None else environment
    said = {"words": list(words), "folder": os.getcwd(), "environment": given}
    with socket.socket(socket.AF_UNIX) as zygote:
        zygote.connect(os.environ["DOCS_ZYGOTE"])
        socket.send_fds(zygote, [json.dumps(said).encode()], [0, 1, 2])
        return int(zygote.recv(16) or b"1")


def once(words: Sequence[str], run: Callable[[], int]) -> int:
    """Run a command if it has not ended well before, on this page or on another; return its exit status."""
    ran = (
        Path(os.environ["DOCS_ZYGOTE"]).with_name("ran")
        / hashlib.sha256(" ".join(words).encode()).hexdigest()
    )
    ran.parent.mkdir(exist_ok=True)
    with ran.open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # who asks for the same meanwhile waits
        if ran.stat().st_size:
            return 0
        status = run()
        if status == 0:
            file.write("done")
        return status
