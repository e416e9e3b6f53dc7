"""``POST /v1/segment``: from the bytes of a request to those of the answer."""

from collections import OrderedDict
from dataclasses import dataclass
from functools import partial

from fastapi import Request, Response

from serve.accepting import Form, form_for
from serve.answers import FORM_TYPES, About, encoded, seen
from serve.arriving import arrived
from serve.backend import Backend, Chosen, Pixels
from serve.bodies import Budget, Share
from serve.contract import SegmentOptions, ViewOptions
from serve.deadline import Deadline
from serve.found import Labelled, Prompted
from serve.headers import Limits
from serve.measures import Measures
from serve.naming import PROMPTABLE, ModelKey
from serve.pictures import Picture, digest_of, read_picture
from serve.problems import Problem
from serve.reading import read_options
from serve.settings import ServeSettings
from serve.threads import Threads

_THREADS = 2
_REMEMBERED = 512
SCALE_HEADER = "Graticule-Pixel-Size-Nm"
_LABEL_BYTES = 4


@dataclass(frozen=True, slots=True)
class _Known:
    """What is kept of an image that was decoded before."""

    pixel_size_nm: float | None
    notes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Asked:
    """One request, once its body has arrived."""

    content: bytearray
    options: SegmentOptions
    form: Form
    share: Share
    deadline: Deadline


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Answer:
    """What was found for a request, and of the image what its form needs."""

    found: Labelled | Prompted
    known: _Known
    pixels: Pixels | None


class Imaging:
    """Answers for images; one per process."""

    def __init__(self, settings: ServeSettings, backend: Backend, measures: Measures) -> None:
        self._settings, self._backend, self._measures = settings, backend, measures
        self._budget = Budget(settings.arriving_bytes)
        self._threads = Threads(_THREADS)
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
            deadline = Deadline(self._settings.request_seconds)
            async with deadline.kept():
                options = read_options(SegmentOptions, texts)
                self._check_prompts(options)
                asked = _Asked(content=content, options=options, form=form, share=share, deadline=deadline)
                return await self._answered(asked)

    async def view(self, request: Request) -> Response:
        """Return the image itself, as networks see it, in a form that browsers draw.

        Raises:
            Problem: 4xx and 5xx as the contract lists them.
        """
        with self._budget.share() as share:
            texts, content = await self._arrived(request, share)
            async with Deadline(self._settings.request_seconds, remedy="crop the image").kept():
                read_options(ViewOptions, texts)
                picture = await self._decoded(content, share)
                body = await self._threads.do(share, partial(seen, picture.pixels, share))
        scale = {} if picture.pixel_size_nm is None else {SCALE_HEADER: repr(float(picture.pixel_size_nm))}
        return Response(body, media_type="image/png", headers={**scale, "Cache-Control": "no-store"})

    async def _arrived(self, request: Request, share: Share) -> tuple[dict[str, str], bytearray]:
        texts, content = await arrived(request, self._settings, share)
        self._measures.uploaded(len(content))
        return texts, content

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

    async def _answered(self, asked: _Asked) -> Response:
        options = asked.options
        chosen = await self._chosen(options)
        ask = self._whole if options.prompts is None else self._prompted
        answer = await ask(asked, chosen.key)
        about = About(
            model=chosen.key.network,
            weights=chosen.key.weights,
            champion=chosen.champion,
            pixel_size_nm=options.pixel_size_nm or answer.known.pixel_size_nm,
            outlines=options.outlines,
            notes=answer.known.notes,
        )
        return await self._encoded(asked, answer, about)

    async def _encoded(self, asked: _Asked, answer: _Answer, about: About) -> Response:
        work = partial(
            encoded,
            answer.found,
            about,
            form=asked.form,
            pixels=answer.pixels,
            share=asked.share,
            deadline=asked.deadline,
        )
        made = await self._threads.do(asked.share, work)
        count = len(answer.found.scores if isinstance(answer.found, Labelled) else answer.found.bodies)
        self._measures.found(about.model, count)
        headers = {
            "Graticule-Model": about.model,
            "Graticule-Weights": about.weights,
            "Graticule-Instances": str(count),
            "Vary": "Accept",
            "Cache-Control": "no-store",
        }
        if made.hidden:
            headers["Graticule-Hidden"] = ", ".join(map(str, made.hidden))
        return Response(made.body, media_type=FORM_TYPES[asked.form], headers=headers)

    async def _chosen(self, options: SegmentOptions) -> Chosen:
        chosen = await self._backend.choose(options.model)
        if options.prompts is None or chosen.key.takes_prompts:
            return chosen
        if options.model is None:
            return Chosen(key=ModelKey(network=PROMPTABLE), champion=False)
        raise Problem(
            "cannot-be", f"model {options.model} takes no prompts; leave them out, or name {PROMPTABLE}"
        )

    async def _whole(self, asked: _Asked, key: ModelKey) -> _Answer:
        picture = await self._decoded(asked.content, asked.share)
        asked.share.take(picture.pixels.size * _LABEL_BYTES)
        found = await self._backend.segment(
            picture.pixels, key, polarity=asked.options.polarity, seconds=asked.deadline.remaining
        )
        return _Answer(found=found, known=_Known(picture.pixel_size_nm, picture.notes), pixels=picture.pixels)

    async def _prompted(self, asked: _Asked, key: ModelKey) -> _Answer:
        prompts, polarity = asked.options.prompts, asked.options.polarity
        assert prompts is not None
        digest = await self._threads.do(asked.share, partial(digest_of, asked.content))
        known, pixels = self._recalled(digest), None

        async def decoded() -> Pixels:
            nonlocal known, pixels
            if pixels is None:
                picture = await self._decoded(asked.content, asked.share)
                known, pixels = _Known(picture.pixel_size_nm, picture.notes), picture.pixels
                self._remember(digest, known)
            return pixels

        if known is None or asked.form.startswith("overlay"):
            await decoded()
        found = await self._backend.prompted(
            digest, key, prompts, polarity=polarity, pixels=decoded, seconds=asked.deadline.remaining
        )
        assert known is not None
        asked.share.take(sum(body.mask.nbytes for body in found.bodies))
        return _Answer(found=found, known=known, pixels=pixels)

    async def _decoded(self, content: bytearray, share: Share) -> Picture:
        return await self._threads.do(share, partial(read_picture, content, self._limits, share))

    def _recalled(self, digest: str) -> _Known | None:
        known = self._known.get(digest)
        if known is not None:
            self._known.move_to_end(digest)
        return known

    def _remember(self, digest: str, known: _Known) -> None:
        self._known[digest] = known
        self._known.move_to_end(digest)
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
