"""``POST /v1/segment``: from the bytes of a request to those of the answer."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass

from fastapi import Request, Response

from serve.accepting import Form, form_for
from serve.answers import FORM_TYPES, About, encoded, seen
from serve.backend import Backend, Chosen, Pixels
from serve.bodies import Budget, Share, counted
from serve.contract import SegmentOptions, ViewOptions
from serve.forms import read_form
from serve.found import Labelled, Prompted
from serve.headers import ENDINGS, MEDIA_TYPES, TAKEN, Limits, kind_of
from serve.measures import Measures
from serve.naming import PROMPTABLE, ModelKey
from serve.pictures import Picture, digest_of, read_picture
from serve.problems import Problem
from serve.reading import gathered, read_options
from serve.settings import ServeSettings

_DECODING = 2
_REMEMBERED = 512
SCALE_HEADER = "Graticule-Pixel-Size-Nm"
_UNNAMED = ("application/octet-stream", "")


@dataclass(frozen=True, slots=True)
class _Known:
    """What is kept of an image that was decoded before."""

    pixel_size_nm: float | None
    notes: tuple[str, ...]


class Imaging:
    """Answers for images; one per process."""

    def __init__(self, settings: ServeSettings, backend: Backend, measures: Measures) -> None:
        self._settings, self._backend, self._measures = settings, backend, measures
        self._budget = Budget(settings.arriving_bytes)
        self._decoding = asyncio.Semaphore(_DECODING)
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._limits = Limits(
            pixels=settings.image_pixels, edge=settings.image_edge_px, least_edge=settings.least_edge_px
        )

    async def segment(self, request: Request) -> Response:
        """Return the answer to a request.

        Raises:
            Problem: 4xx and 5xx as the contract lists them.
        """
        form = form_for(request.headers.get("accept"))
        with self._budget.share() as share:
            texts, content = await self._arrived(request, share)
            options = read_options(SegmentOptions, texts)
            self._check_prompts(options)
            try:
                async with asyncio.timeout(self._settings.request_seconds):
                    return await self._answer(content, options, form, share)
            except TimeoutError:
                raise Problem(
                    "too-long",
                    f"there was no answer within {self._settings.request_seconds:g} s; crop the image, or"
                    " name a faster model",
                ) from None

    async def view(self, request: Request) -> Response:
        """Return the image itself, as networks see it, in a form that browsers draw.

        Raises:
            Problem: 4xx and 5xx as the contract lists them.
        """
        with self._budget.share() as share:
            texts, content = await self._arrived(request, share)
            read_options(ViewOptions, texts)
            picture = await self._decoded(content, share)
            body = await asyncio.to_thread(seen, picture.pixels)
        scale = {} if picture.pixel_size_nm is None else {SCALE_HEADER: repr(float(picture.pixel_size_nm))}
        return Response(body, media_type="image/png", headers={**scale, "Cache-Control": "no-store"})

    async def _arrived(self, request: Request, share: Share) -> tuple[dict[str, str], bytes]:
        content = bytearray()

        async def take(piece: bytes) -> None:
            share.take(len(piece))
            content.extend(piece)

        body = counted(
            request.stream(),
            announced=request.headers.get("content-length"),
            most=self._settings.image_bytes,
            seconds=self._settings.upload_seconds,
        )
        query = request.query_params.multi_items()
        declared = request.headers.get("content-type", "")
        kind = declared.partition(";")[0].strip().lower()
        if kind == "multipart/form-data":
            form = await read_form(body, declared, file="image", sink=take)
            if not form.has_file:
                raise Problem("bad-request", "the form has no part 'image'; name the file's part so")
            texts = gathered(query, form.fields.items())
        elif kind in MEDIA_TYPES or kind in _UNNAMED:
            texts = gathered(query)
            async for piece in body:
                await take(piece)
            self._check_kind(kind, content)
        else:
            raise Problem(
                "wrong-type", f"Content-Type {kind[:60]!r} is no image; {TAKEN}, or multipart/form-data"
            )
        self._measures.uploaded(len(content))
        return texts, bytes(content)

    def _check_kind(self, declared: str, content: bytearray) -> None:
        held = kind_of(bytes(content[:16]))
        if declared in MEDIA_TYPES and MEDIA_TYPES[declared] != held:
            raise Problem(
                "wrong-type",
                f"Content-Type says {declared}, and the body is a {ENDINGS[held][1:]}; say which it is",
            )

    def _check_prompts(self, options: SegmentOptions) -> None:
        if options.prompts is None:
            return
        count = len(options.prompts.points) + len(options.prompts.boxes)
        if count > self._settings.prompts:
            raise Problem(
                "cannot-be",
                f"{count} prompts, at most {self._settings.prompts} are taken; ask in several requests",
            )
        if not options.prompts.boxes and not any(point[2] for point in options.prompts.points):
            raise Problem("cannot-be", "the prompts ask for nothing; give a point [x, y, 1] or a box")

    async def _answer(self, content: bytes, options: SegmentOptions, form: Form, share: Share) -> Response:
        chosen = await self._chosen(options)
        pixels: Pixels | None
        if options.prompts is None:
            picture = await self._decoded(content, share)
            found: Labelled | Prompted = await self._backend.segment(
                picture.pixels,
                chosen.key,
                polarity=options.polarity,
                seconds=self._settings.request_seconds,
            )
            known, pixels = _Known(picture.pixel_size_nm, picture.notes), picture.pixels
        else:
            found, known, pixels = await self._asked(content, options, chosen.key, form, share)
        about = About(
            model=chosen.key.network,
            weights=chosen.key.weights,
            champion=chosen.champion,
            pixel_size_nm=options.pixel_size_nm or known.pixel_size_nm,
            outlines=options.outlines,
            notes=known.notes,
        )
        body = await asyncio.to_thread(encoded, found, about, form=form, pixels=pixels)
        count = len(found.scores) if isinstance(found, Labelled) else len(found.bodies)
        self._measures.found(chosen.key.network, count)
        headers = {
            "Graticule-Model": chosen.key.network,
            "Graticule-Weights": chosen.key.weights,
            "Graticule-Instances": str(count),
            "Vary": "Accept",
            "Cache-Control": "no-store",
        }
        return Response(body, media_type=FORM_TYPES[form], headers=headers)

    async def _chosen(self, options: SegmentOptions) -> Chosen:
        chosen = await self._backend.choose(options.model)
        if options.prompts is None or chosen.key.takes_prompts:
            return chosen
        if options.model is None:
            return Chosen(key=ModelKey(network=PROMPTABLE), champion=False)
        raise Problem(
            "cannot-be", f"model {options.model} takes no prompts; leave them out, or name {PROMPTABLE}"
        )

    async def _asked(
        self, content: bytes, options: SegmentOptions, key: ModelKey, form: Form, share: Share
    ) -> tuple[Prompted, _Known, Pixels | None]:
        assert options.prompts is not None
        digest, pixels = digest_of(content), None

        async def decoded() -> Pixels:
            nonlocal pixels
            if pixels is None:
                picture = await self._decoded(content, share)
                self._remember(digest, _Known(picture.pixel_size_nm, picture.notes))
                pixels = picture.pixels
            return pixels

        if digest not in self._known or form.startswith("overlay"):
            await decoded()
        found = await self._backend.prompted(
            digest, key, options.prompts, pixels=decoded, seconds=self._settings.request_seconds
        )
        return found, self._known[digest], pixels

    async def _decoded(self, content: bytes, share: Share) -> Picture:
        async with self._decoding:
            picture = await asyncio.to_thread(read_picture, content, self._limits)
        share.take(picture.pixels.nbytes)
        return picture

    def _remember(self, digest: str, known: _Known) -> None:
        self._known[digest] = known
        self._known.move_to_end(digest)
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
