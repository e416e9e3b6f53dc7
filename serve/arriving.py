"""An image and its options, from the body and query of a request."""

from fastapi import Request

from serve.bodies import Share, counted
from serve.forms import read_form
from serve.headers import ENDINGS, MEDIA_TYPES, TAKEN, kind_of
from serve.problems import Problem
from serve.reading import gathered
from serve.settings import ServeSettings

_UNNAMED = ("application/octet-stream", "")


async def arrived(
    request: Request, settings: ServeSettings, share: Share
) -> tuple[dict[str, str], bytearray]:
    """Return the texts of a request's options and the bytes of its image.

    Raises:
        Problem: 4xx if they cannot be read, 503 if there is no memory for them now.
    """
    content = bytearray()

    async def take(piece: bytes) -> None:
        share.take(len(piece))
        content.extend(piece)

    body = counted(
        request.stream(),
        announced=request.headers.get("content-length"),
        most=settings.image_bytes,
        seconds=settings.upload_seconds,
    )
    query = request.query_params.multi_items()
    declared = request.headers.get("content-type", "")
    kind = declared.partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        form = await read_form(body, declared, file="image", sink=take)
        if not form.has_file:
            raise Problem("bad-request", "the form has no part 'image'; name the file's part so")
        return gathered(query, form.fields.items()), content
    if kind not in MEDIA_TYPES and kind not in _UNNAMED:
        raise Problem(
            "wrong-type", f"Content-Type {kind[:60]!r} is no image; {TAKEN}, or multipart/form-data"
        )
    texts = gathered(query)
    async for piece in body:
        await take(piece)
    _check_kind(kind, content)
    return texts, content


def _check_kind(declared: str, content: bytearray) -> None:
    held = kind_of(content[:16])
    if declared in MEDIA_TYPES and MEDIA_TYPES[declared] != held:
        raise Problem(
            "wrong-type",
            f"Content-Type says {declared}, and the body is a {ENDINGS[held][1:]}; say which it is",
        )
