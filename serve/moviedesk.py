"""``POST /v1/track`` and what becomes of it, as far as HTTP is concerned."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import Request
from fastapi.responses import StreamingResponse

from serve.backend import Backend
from serve.bodies import counted, give_back_later
from serve.contract import JobAnswer, TrackOptions
from serve.forms import checked_name, read_form
from serve.problems import Problem
from serve.reading import gathered, read_options
from serve.settings import ServeSettings

log = logging.getLogger(__name__)

ENDINGS = {
    "video/mp4": ".mp4",
    "video/quicktime": ".mov",
    "video/x-msvideo": ".avi",
    "video/x-matroska": ".mkv",
    "image/tiff": ".tif",
}
"""Media type of a raw body -> ending; other movies come with a name."""
KNOWN = (".mp4", ".mov", ".avi", ".mkv", ".tif", ".tiff", ".mrc", ".dm3", ".dm4", ".ser", ".emd")
_NAME = "name"
_SEND = 2**20


class MovieDesk:
    """Takes movies and hands out their results; one per process."""

    def __init__(self, settings: ServeSettings, backend: Backend) -> None:
        self._settings, self._backend = settings, backend

    async def track(self, request: Request) -> JobAnswer:
        """Return the job of a movie, once it has arrived and proved to be one.

        Raises:
            Problem: 4xx and 5xx as the contract lists them.
        """
        declared = request.headers.get("content-type", "")
        kind = declared.partition(";")[0].strip().lower()
        query = dict(gathered(request.query_params.multi_items()))
        named = checked_name(query.pop(_NAME, None))
        if kind != "multipart/form-data" and named is None and kind not in ENDINGS:
            raise Problem(
                "wrong-type",
                f"Content-Type {kind[:60]!r} names no movie; send a form, or add ?name=movie.mrc",
            )
        if kind != "multipart/form-data":  # what can be known to be wrong before hundreds of megabytes come
            self._ending(named or f"movie{ENDINGS[kind]}")
            read_options(TrackOptions, query)
        job = await self._backend.begin_movie()
        try:
            texts, name = await self._arrived(request, job, kind, query, named)
            options = read_options(TrackOptions, texts)
            await self._backend.choose(options.model)
            with _begun_before():
                return await self._backend.start_movie(job, f"movie{self._ending(name)}", options)
        except BaseException:
            await self._forget(job)
            raise
        finally:
            give_back_later()

    async def download(self, job: str, name: str) -> StreamingResponse:
        """Return a result, as a file to be kept.

        Raises:
            Problem: 404 if there is none, 409 if the job is not finished.
        """
        file = await self._backend.download(job, name)
        headers = {
            "Content-Disposition": f'attachment; filename="{file.name}"',
            "Content-Length": str(file.size_bytes),
            "Cache-Control": "no-store",
        }
        return StreamingResponse(file.chunks, media_type=file.media_type, headers=headers)

    async def _arrived(
        self, request: Request, job: str, kind: str, query: dict[str, str], named: str | None
    ) -> tuple[dict[str, str], str]:
        waiting = bytearray()
        arrived = 0

        async def take(piece: bytes) -> None:
            nonlocal arrived
            arrived += len(piece)
            waiting.extend(piece)
            if len(waiting) >= _SEND:
                await flush()

        async def flush() -> None:
            if waiting:
                chunk = bytes(waiting)
                waiting.clear()
                with _begun_before():
                    await self._backend.movie_bytes(job, chunk)

        body = counted(
            request.stream(),
            announced=request.headers.get("content-length"),
            most=self._settings.movie_bytes,
            seconds=self._settings.upload_seconds,
        )
        if kind == "multipart/form-data":
            form = await read_form(body, request.headers["content-type"], file="movie", sink=take)
            if not form.has_file:
                raise Problem("bad-request", "the form has no part 'movie'; name the file's part so")
            texts = gathered(query.items(), form.fields.items())
            named = named or form.file_name
        else:
            texts = query
            async for piece in body:
                await take(piece)
        await flush()
        if not arrived:
            raise Problem("bad-request", "the movie is empty (0 bytes); send it again")
        return texts, named or f"movie{ENDINGS.get(kind, '')}"

    async def _forget(self, job: str) -> None:
        """Delete a job that will not be; why it will not is what the client is to be told."""
        try:
            await self._backend.delete_job(job)
        except Exception as error:  # noqa: BLE001 - a movie's time is over by itself, too
            log.warning("job %s is not deleted: %s", job, error)

    def _ending(self, name: str) -> str:
        ending = "." + name.rpartition(".")[2].lower()
        if ending not in KNOWN:
            raise Problem(
                "wrong-type", f"file name {name[:60]!r} has no ending of a movie; known are {' '.join(KNOWN)}"
            )
        return ending


@contextmanager
def _begun_before() -> Iterator[None]:
    """Tell of a job that is not known any more what became of it: its keeper is another one now."""
    try:
        yield
    except Problem as problem:
        if problem.kind != "unknown":
            raise
        raise Problem(
            "replica-lost", "the worker that took the movie is gone, or its time is over; send it again"
        ) from None
