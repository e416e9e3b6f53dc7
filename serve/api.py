"""The HTTP side: what is asked, checked, handed to a :class:`serve.backend.Backend`, and answered."""

import asyncio
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.types import Lifespan

from graticule.core.environment import environment
from serve import openapi, routes
from serve.backend import Backend
from serve.contract import Example, Health, JobAnswer, ModelsAnswer
from serve.deadline import Deadline
from serve.examples import example_png, examples
from serve.gate import OPEN, PAGE, Gate
from serve.guard import Guard
from serve.imaging import SCALE_HEADER, Imaging
from serve.manual import manual
from serve.measures import Measures
from serve.moviedesk import MovieDesk
from serve.problems import MEDIA_TYPE, TITLES, Problem
from serve.settings import ServeSettings

PAGE_FOLDER = Path(__file__).parent / "page"
_BY_STATUS = {status: kind for kind, (status, _) in TITLES.items()}
_ABOUT = """Particles in electron micrographs: who is where, and how large.

Prompts are `x, y`; all positions in answers are `y, x`. Pixel centres are whole numbers. Lengths in nm
stand beside those in px wherever the pixel size is known, and are those times the pixel size; it is never
guessed. Every refusal is `application/problem+json`: one line with the value and the remedy."""
_AGAIN = "ask again"
_EXPOSED = (
    "Content-Disposition",
    "Graticule-Hidden",
    "Graticule-Instances",
    "Graticule-Model",
    "Graticule-Weights",
    SCALE_HEADER,
    "Location",
    "Retry-After",
    "X-Request-Id",
)
"""Headers that pages of the origins named may read."""


def build_api(
    settings: ServeSettings,
    backend: Backend,
    *,
    token: bytes | None,
    measures: Measures | None = None,
    lifespan: Lifespan[FastAPI] | None = None,
) -> FastAPI:
    """Return the application.

    Args:
        settings: Limits and times.
        backend: Does the work.
        token: That requests must bear; ``None`` where none is asked for.
        measures: What is counted here.
        lifespan: What goes on for as long as it serves.
    """
    counting = measures or Measures()
    api = FastAPI(
        title="graticule",
        version=environment()["graticule"],
        description=_ABOUT,
        docs_url=None,
        redoc_url=None,
        responses=openapi.refusals(401, 403, 500),
        separate_input_output_schemas=False,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    _tell_of_problems(api)
    _images(api, Imaging(settings, backend, counting), settings)
    _movies(api, MovieDesk(settings, backend), backend)
    _about_models(api, backend, settings)
    _about_the_server(api, backend)
    _page(api)
    _describe(api, secured=token is not None)
    api.add_middleware(Guard, gate=Gate(settings, token=token), measures=counting)
    if settings.cors_origins:  # added last, so that refusals can be read too
        api.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["Authorization", "Content-Type"],
            expose_headers=_EXPOSED,
        )
    return api


def _images(api: FastAPI, imaging: Imaging, settings: ServeSettings) -> None:
    @api.post("/v1/segment", **routes.SEGMENT)
    async def segment(request: Request) -> Response:
        """Send the image as the part `image` of a form, or as the body with options in the query."""
        return await imaging.segment(request)

    @api.post("/v1/view", **routes.VIEW)
    async def view(request: Request) -> Response:
        """For those who cannot draw 16 bits. Send the image as for `/v1/segment`."""
        return await imaging.view(request)

    @api.get("/v1/examples", **routes.LIST_EXAMPLES)
    async def list_examples() -> list[Example]:
        async with Deadline(settings.request_seconds, remedy=_AGAIN).kept():
            return await asyncio.to_thread(examples)

    @api.get("/v1/examples/{name}.png", **routes.EXAMPLE)
    async def example(name: str) -> Response:
        async with Deadline(settings.request_seconds, remedy=_AGAIN).kept():
            content = await asyncio.to_thread(example_png, name)
        return Response(content, media_type="image/png", headers={"Cache-Control": "max-age=86400"})


def _movies(api: FastAPI, desk: MovieDesk, backend: Backend) -> None:
    @api.post("/v1/track", **routes.TRACK)
    async def track(request: Request, response: Response) -> JobAnswer:
        """Send the movie as the part `movie` of a form, or as the body with options in the query."""
        job = await desk.track(request)
        response.headers["Location"] = job.url
        return job

    @api.get("/v1/jobs/{job}", **routes.JOB)
    async def job(job: str) -> JobAnswer:
        return await backend.job(job)

    @api.delete("/v1/jobs/{job}", **routes.DELETE_JOB)
    async def delete(job: str) -> None:
        await backend.delete_job(job)

    @api.get("/v1/jobs/{job}/{name}", **routes.RESULT)
    async def result(job: str, name: str) -> Response:
        return await desk.download(job, name)


def _about_models(api: FastAPI, backend: Backend, settings: ServeSettings) -> None:
    @api.get("/v1/models", **routes.MODELS)
    async def models() -> ModelsAnswer:
        return await backend.models()

    @api.post("/v1/models/refresh", **routes.REFRESH)
    async def refresh() -> ModelsAnswer:
        """Answers once the champion answers requests. Requests meanwhile are answered by the one before."""
        async with Deadline(settings.request_seconds, remedy=_AGAIN).kept():
            return await backend.refresh()


def _about_the_server(api: FastAPI, backend: Backend) -> None:
    @api.get("/healthz", **routes.LIVES)
    async def healthz() -> Health:
        return Health(status="ok")

    @api.get("/readyz", **routes.READY)
    async def readyz(response: Response) -> Health:
        missing = await backend.waits_for()
        if missing is None:
            return Health(status="ok")
        response.status_code = 503
        response.headers["Retry-After"] = "2"
        return Health(status="starting", detail=missing)

    @api.get("/metrics", **routes.METRICS)
    async def metrics() -> Response:
        content = await backend.metrics()
        return Response(content, media_type="text/plain; version=0.0.4; charset=utf-8")


def _page(api: FastAPI) -> None:
    index = PAGE_FOLDER / "index.html"

    @api.get("/", include_in_schema=False)
    def page() -> Response:
        return FileResponse(index, headers={"Cache-Control": "no-cache"})

    @api.get("/docs", include_in_schema=False)
    def docs(request: Request) -> Response:
        return HTMLResponse(manual(api.openapi(), url=str(request.base_url)))

    api.mount(PAGE.rstrip("/"), StaticFiles(directory=PAGE_FOLDER, check_dir=False), name="page")


def _tell_of_problems(api: FastAPI) -> None:
    @api.exception_handler(Problem)
    async def refused(request: Request, problem: Problem) -> Response:
        return _told(request, problem)

    @api.exception_handler(HTTPException)
    async def no_route(request: Request, error: HTTPException) -> Response:
        where = f"{request.method} {request.url.path[:100]}"
        kind = _BY_STATUS.get(error.status_code, "bad-request")
        said = {"unknown": "is not there", "wrong-method": "cannot be done"}.get(
            kind, str(error.detail)[:200]
        )
        return _told(request, Problem(kind, f"{where} {said}; see /docs", headers=error.headers))

    @api.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        return _told(request, Problem("cannot-be", f"{name}: {first['msg']}; see /docs"))


def _told(request: Request, problem: Problem) -> Response:
    body = problem.body(request.scope.get("state", {}).get("request_id"))
    return JSONResponse(body, problem.status, headers=problem.headers, media_type=MEDIA_TYPE)


def _describe(api: FastAPI, *, secured: bool) -> None:
    """Add to the OpenAPI description what FastAPI cannot know."""
    plain = api.openapi

    def complete() -> dict[str, Any]:
        if api.openapi_schema is None:
            api.openapi_schema = openapi.completed(plain(), secured=secured, opened=OPEN)
        return api.openapi_schema

    api.openapi = complete  # type: ignore[method-assign]
