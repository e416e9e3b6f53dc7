"""Where movies and their results lie meanwhile: a folder each, and somebody to delete them all."""

import asyncio
import logging
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from serve import janitor

log = logging.getLogger(__name__)
LATE_SECONDS = 5.0
"""Workers of Ray outlive the driver that had them work; by then they have been ended too."""
_AGAIN_SECONDS = 0.5
_MOST_SECONDS = 60.0
_HANDED_ON = ("PATH", "LD_LIBRARY_PATH")


class MovieFolders:
    """The folders of one server.

    Args:
        parent: Where they are made: by default the system's temporary folder.
        late_seconds: How long somebody may go on writing in a folder that was deleted.
    """

    def __init__(self, parent: str | None, *, late_seconds: float) -> None:
        self._parent, self._late_seconds = parent, late_seconds
        self._root: Path | None = None
        self._janitor: subprocess.Popen[bytes] | None = None
        self._watching: set[asyncio.Task[None]] = set()

    def new(self, name: str) -> Path:
        """Return a new folder.

        Raises:
            OSError: If none can be made.
        """
        if self._root is None:
            self._root = self._guarded_root()
        folder = self._root / name
        folder.mkdir()
        return folder

    async def delete(self, folder: Path) -> None:
        """Delete a folder now, and whatever late writers put in its place."""
        gone = await self._removed(folder)
        if not gone or self._late_seconds:
            task = asyncio.create_task(self._watch(folder))
            self._watching.add(task)
            task.add_done_callback(self._watching.discard)

    async def close(self) -> None:
        """Delete all folders; what comes back is the janitor's."""
        for task in self._watching:
            task.cancel()
        if self._root is not None:
            await self._removed(self._root)
        if self._janitor is not None:
            assert self._janitor.stdin is not None
            self._janitor.stdin.close()
        self._janitor = self._root = None

    def _guarded_root(self) -> Path:
        if self._parent is not None:
            Path(self._parent).mkdir(parents=True, exist_ok=True)
        root = Path(tempfile.mkdtemp(prefix="graticule-serve-", dir=self._parent))
        self._janitor = subprocess.Popen(
            [sys.executable, "-I", "-S", janitor.__file__, str(root), str(self._late_seconds)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            env={name: os.environ[name] for name in _HANDED_ON if name in os.environ},
            start_new_session=True,
        )
        self._janitor.wait()  # until it has left us
        return root

    async def _removed(self, folder: Path) -> bool:
        try:
            await asyncio.to_thread(janitor.removed, folder)
        except OSError as error:
            log.warning("%s is not deleted yet: %s", folder, error)
            return False
        return True

    async def _watch(self, folder: Path) -> None:
        began = gone = time.monotonic()
        while (now := time.monotonic()) - began < _MOST_SECONDS:
            await asyncio.sleep(_AGAIN_SECONDS)
            try:
                gone = now if await asyncio.to_thread(janitor.removed, folder) else gone
            except OSError:
                gone = now
            if now - gone >= self._late_seconds:
                return
        log.error("%s is not deleted for good: somebody still writes in it, or it is held", folder)


def bytes_in(folder: Path) -> int:
    """Return how much lies in a folder; what goes meanwhile is not counted."""
    total = 0
    for inside, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(inside, name)).st_size
            except OSError:
                continue
    return total
