"""One movie, from its first byte to the last that is kept of it."""

import asyncio
import logging
import shutil
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from serve.backend import Download
from serve.contract import JobAnswer, JobProgress, JobResult
from serve.movie_worker import MEDIA_TYPES, RESULTS
from serve.problems import Problem

log = logging.getLogger(__name__)

Status = Literal["arriving", "queued", "running", "done", "failed"]
CHUNK_BYTES = 2**20


@dataclass(kw_only=True, slots=True, eq=False)
class Job:
    """A movie on its way.

    ``size_bytes`` is what it takes of the disk, as far as is known.
    """

    id: str
    folder: Path
    created: datetime
    expires: datetime
    status: Status = "arriving"
    movie: str = "arriving"
    size_bytes: int = 0
    about: dict[str, Any] = field(default_factory=dict)
    progress: JobProgress | None = None
    problem: str | None = None
    process: Process | None = None

    @property
    def is_finished(self) -> bool:
        """Whether nothing more will become of it."""
        return self.status in ("done", "failed")

    def answer(self) -> JobAnswer:
        """Return what a client is told of it."""
        return JobAnswer(
            id=self.id,
            status="queued" if self.status == "arriving" else self.status,
            url=f"/v1/jobs/{self.id}",
            created=self.created.isoformat(timespec="seconds"),
            expires=self.expires.isoformat(timespec="seconds"),
            frames=self.about.get("frames"),
            height=self.about.get("height"),
            width=self.about.get("width"),
            progress=self.progress,
            problem=self.problem,
            notes=self.about.get("notes", []),
            results=self._results(),
        )

    def download(self, name: str) -> Download:
        """Return a result.

        Raises:
            Problem: 404 if there is none.
        """
        results = {result.name: result for result in self._results()}
        if name not in results:
            known = ", ".join(results) or "none"
            raise Problem("unknown", f"job {self.id} has no result {name[:60]!r}; there are: {known}")
        return Download(
            name=name,
            media_type=results[name].media_type,
            size_bytes=results[name].size_bytes,
            chunks=_chunks(self.folder / RESULTS / name),
        )

    def keep_only_results(self) -> None:
        """Delete all else; what cannot be deleted goes with the folder."""
        for path in self.folder.iterdir():
            if path.name != RESULTS:
                try:
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
                except OSError as error:
                    log.warning("job %s: %s is not deleted yet: %s", self.id, path.name, error)

    def _results(self) -> list[JobResult]:
        if self.status != "done":
            return []
        return [
            JobResult(
                name=path.name,
                url=f"/v1/jobs/{self.id}/{path.name}",
                media_type=MEDIA_TYPES.get(path.suffix, "application/octet-stream"),
                size_bytes=path.stat().st_size,
            )
            for path in sorted((self.folder / RESULTS).iterdir())
        ]


async def _chunks(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while chunk := await asyncio.to_thread(file.read, CHUNK_BYTES):
            yield chunk
