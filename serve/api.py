"""The HTTP side: what is asked, checked, handed to a :class:`serve.backend.Backend`, and answered."""

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
from serve import openapi
from serve.backend import Backend
from serve.contract import (
    Example,
    Health,
    JobAnswer,
    ModelsAnswer,
    ProblemAnswer,
    SegmentAnswer,
    described,
)
from serve.examples import example_png, examples
from serve.guard import PAGE, Guard
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
stand beside those in px wherever the pixel size is known; it is never guessed.
Every refusal is `application/problem+json`: one line with the value and the remedy."""

_REFUSED = {
    400: "The request cannot be read.",
    401: "The server asks for a token, and this is none or another.",
    408: "The body took too long to arrive.",
    413: "Body or image is too large; refused while it arrives, or from its header.",
    415: "The body is no image that is read, or not what its type says.",
    422: "A value, or the image, cannot be.",
    500: "The server failed.",
    502: "The worker of this request is gone; ask again.",
    503: "Too many requests wait.",
    504: "The time limit is over.",
}


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
        responses=described({401: _REFUSED[401], 500: _REFUSED[500]}),
        separate_input_output_schemas=False,
        lifespan=lifespan,
    )
    _tell_of_problems(api)
    _images(api, Imaging(settings, backend, counting))
    _movies(api, MovieDesk(settings, backend), backend)
    _about_models(api, backend)
    _about_the_server(api, backend)
    _page(api)
    _describe(api, secured=token is not None)
    if settings.cors_origins:
        api.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["Authorization", "Content-Type"],
            expose_headers=["Graticule-Model", "Graticule-Weights", "Graticule-Instances", "X-Request-Id"],
        )
    api.add_middleware(Guard, token=token, measures=counting)
    return api


def _images(api: FastAPI, imaging: Imaging) -> None:
    @api.post(
        "/v1/segment",
        tags=["images"],
        summary="Find the particles of an image",
        response_model=SegmentAnswer,
        responses={
            200: {
                "description": "In the form that `Accept` asks for: JSON, labels as PNG (16 bit) or TIFF, or"
                " an overlay as `image/jpeg` or `image/png;view=overlay`.",
                "content": {
                    "application/json": {"example": openapi.EXAMPLE_ANSWER},
                    **openapi.IMAGE_ANSWERS,
                },
            },
            **_refusals(400, 404, 406, 408, 413, 415, 422, 502, 503, 504),
        },
        openapi_extra=openapi.SEGMENT,
    )
    async def segment(request: Request) -> Response:
        """Send the image as the part `image` of a form, or as the body with options in the query."""
        return await imaging.segment(request)

    @api.post(
        "/v1/view",
        tags=["images"],
        summary="Show an image as networks see it",
        response_class=Response,
        responses={
            200: {
                "description": "A grey PNG of 8 bits, stretched over the image's grey levels.",
                "content": {"image/png": {"schema": {"type": "string", "format": "binary"}}},
                "headers": {
                    SCALE_HEADER: {
                        "schema": {"type": "number"},
                        "description": "Of the file, if it holds one.",
                    }
                },
            },
            **_refusals(400, 408, 413, 415, 422, 503),
        },
        openapi_extra=openapi.VIEW,
    )
    async def view(request: Request) -> Response:
        """For those who cannot draw 16 bits. Send the image as for `/v1/segment`."""
        return await imaging.view(request)

    @api.get("/v1/examples", tags=["images"], summary="Simulated images to try things with")
    def list_examples() -> list[Example]:
        return examples()

    @api.get(
        "/v1/examples/{name}.png",
        tags=["images"],
        summary="One of them",
        response_class=Response,
        responses={200: {"content": openapi.PICTURE_ANSWER}, **_refusals(404)},
    )
    def example(name: str) -> Response:
        content = example_png(name)
        return Response(content, media_type="image/png", headers={"Cache-Control": "max-age=86400"})


def _movies(api: FastAPI, desk: MovieDesk, backend: Backend) -> None:
    @api.post(
        "/v1/track",
        tags=["movies"],
        summary="Track the particles of a short movie",
        status_code=202,
        response_model=JobAnswer,
        responses=_refusals(400, 404, 408, 413, 415, 422, 502, 503),
        openapi_extra=openapi.TRACK,
    )
    async def track(request: Request, response: Response) -> JobAnswer:
        """Send the movie as the part `movie` of a form, or as the body with options in the query."""
        job = await desk.track(request)
        response.headers["Location"] = job.url
        return job

    @api.get(
        "/v1/jobs/{job}", tags=["movies"], summary="How far a movie is", responses=_refusals(404, 502, 503)
    )
    async def job(job: str) -> JobAnswer:
        return await backend.job(job)

    @api.delete(
        "/v1/jobs/{job}",
        tags=["movies"],
        summary="End a job and delete all its files",
        status_code=204,
        responses=_refusals(404, 502, 503),
    )
    async def delete(job: str) -> None:
        await backend.delete_job(job)

    @api.get(
        "/v1/jobs/{job}/{name}",
        tags=["movies"],
        summary="A result",
        response_class=Response,
        responses={200: {"content": openapi.FILE_ANSWER}, **_refusals(404, 409, 502, 503)},
    )
    async def result(job: str, name: str) -> Response:
        return await desk.download(job, name)


def _about_models(api: FastAPI, backend: Backend) -> None:
    @api.get("/v1/models", tags=["models"], summary="The models", responses=_refusals(502, 503))
    async def models() -> ModelsAnswer:
        return await backend.models()

    @api.post(
        "/v1/models/refresh",
        tags=["models"],
        summary="Ask the registry now who is champion",
        responses=_refusals(502, 503, 504),
    )
    async def refresh() -> ModelsAnswer:
        """Answers once the champion answers requests. Requests meanwhile are answered by the one before."""
        return await backend.refresh()


def _about_the_server(api: FastAPI, backend: Backend) -> None:
    @api.get("/healthz", tags=["server"], summary="Whether it lives")
    async def healthz() -> Health:
        return Health(status="ok")

    @api.get(
        "/readyz",
        tags=["server"],
        summary="Whether it can answer",
        response_model=Health,
        responses={503: {"description": "Not yet; `detail` says why.", "model": Health}},
    )
    async def readyz(response: Response) -> Health:
        missing = await backend.waits_for()
        if missing is None:
            return Health(status="ok")
        response.status_code = 503
        response.headers["Retry-After"] = "2"
        return Health(status="starting", detail=missing)

    @api.get(
        "/metrics",
        tags=["server"],
        summary="For Prometheus",
        response_class=Response,
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    )
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


def _refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    own = {
        404: "There is no such thing.",
        406: "`Accept` names no form that is offered.",
        409: "Not finished.",
    }
    return described({status: own.get(status) or _REFUSED[status] for status in statuses})


def _describe(api: FastAPI, *, secured: bool) -> None:
    """Add to the OpenAPI description what FastAPI cannot know."""
    plain = api.openapi

    def complete() -> dict[str, Any]:
        if api.openapi_schema is None:
            schema = plain()
            parts = schema.setdefault("components", {})
            parts.setdefault("schemas", {})["ProblemAnswer"] = ProblemAnswer.model_json_schema()
            parts["schemas"].pop("HTTPValidationError", None)
            parts["schemas"].pop("ValidationError", None)
            for path in schema["paths"].values():
                for operation in path.values():
                    if "HTTPValidationError" in str(operation["responses"].get("422", "")):
                        operation["responses"]["422"] = described({422: _REFUSED[422]})[422]
            if secured:
                parts["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
                schema["security"] = [{"token": []}]
            api.openapi_schema = schema
        return api.openapi_schema

    api.openapi = complete  # type: ignore[method-assign]
