"""What OpenAPI says of each route: the keywords of FastAPI's decorators."""

from typing import Any

from fastapi import Response

from serve import samples
from serve.contract import Health, JobAnswer, SegmentAnswer, SegmentOptions, TrackOptions, ViewOptions
from serve.movie_worker import MEDIA_TYPES
from serve.openapi import BINARY, body, header, parameters, refusals

_IMAGES = ("image/png", "image/jpeg", "image/tiff", "application/octet-stream")
_MOVIES = (
    "video/mp4",
    "video/quicktime",
    "video/x-msvideo",
    "video/x-matroska",
    "image/tiff",
    "application/octet-stream",
)


def _json(description: str, **examples: Any) -> dict[str, Any]:
    """Return what is said of an answer in JSON; of one example or several, by name."""
    named = {name: {"value": value} for name, value in examples.items()}
    shown = {"example": next(iter(examples.values()))} if len(examples) == 1 else {"examples": named}
    return {"description": description, "content": {"application/json": shown}}


_SEGMENTED: dict[str, Any] = {
    "description": "In the form that `Accept` asks for: JSON, labels as `image/png` (16 bit) or `image/tiff`,"
    " or an overlay as `image/jpeg` or `image/png;view=overlay`.",
    "content": {
        "application/json": {"example": samples.SEGMENTED},
        **{kind: {"schema": BINARY} for kind in ("image/png", "image/tiff", "image/jpeg")},
    },
    "headers": {
        "Graticule-Model": header("string", "The network that answered."),
        "Graticule-Weights": header("string", "Its weights."),
        "Graticule-Instances": header("integer", "How many particles were found."),
        "Graticule-Hidden": header(
            "string", "Ids that have no pixel in the label image, where the answers to prompts overlap."
        ),
    },
}
SEGMENT: dict[str, Any] = {
    "tags": ["images"],
    "summary": "Find the particles of an image",
    "response_model": SegmentAnswer,
    "responses": {200: _SEGMENTED, **refusals(400, 404, 406, 408, 413, 415, 422, 502, 503, 504)},
    "openapi_extra": {
        "requestBody": body(
            SegmentOptions, "image", _IMAGES, name="frame.tif", fields={"pixel_size_nm": 0.25}
        ),
        "parameters": parameters(SegmentOptions),
    },
}
VIEW: dict[str, Any] = {
    "tags": ["images"],
    "summary": "Show an image as networks see it",
    "response_class": Response,
    "responses": {
        200: {
            "description": "A grey PNG of 8 bits, stretched over the image's grey levels.",
            "content": {"image/png": {"schema": BINARY}},
            "headers": {"Graticule-Pixel-Size-Nm": header("number", "Of the file, if it holds one.")},
        },
        **refusals(400, 408, 413, 415, 422, 503, 504),
    },
    "openapi_extra": {"requestBody": body(ViewOptions, "image", _IMAGES, name="frame.tif", fields={})},
}
LIST_EXAMPLES: dict[str, Any] = {
    "tags": ["images"],
    "summary": "Simulated images to try things with",
    "responses": {200: _json("All of them.", one=samples.EXAMPLES), **refusals(504)},
}
EXAMPLE: dict[str, Any] = {
    "tags": ["images"],
    "summary": "One of them",
    "response_class": Response,
    "responses": {
        200: {"description": "A grey PNG of 8 bits.", "content": {"image/png": {"schema": BINARY}}},
        **refusals(404, 504),
    },
}
TRACK: dict[str, Any] = {
    "tags": ["movies"],
    "summary": "Track the particles of a short movie",
    "status_code": 202,
    "response_model": JobAnswer,
    "responses": {
        202: {
            **_json("The job; ask again at its `url`.", queued=samples.QUEUED),
            "headers": {"Location": header("string", "The job's `url`.")},
        },
        **refusals(400, 404, 408, 413, 415, 422, 502, 503),
    },
    "openapi_extra": {
        "requestBody": body(
            TrackOptions, "movie", _MOVIES, name="sintering.mrc", fields={"frame_interval_s": 0.5}
        ),
        "parameters": [
            *parameters(TrackOptions),
            {
                "name": "name",
                "in": "query",
                "required": False,
                "description": "Of a raw body's file: its ending says how it is read.",
                "schema": {"type": "string", "maxLength": 255},
                "example": "movie.mrc",
            },
        ],
    },
}
_JOBS = {"queued": samples.QUEUED, "running": samples.RUNNING, "done": samples.DONE, "failed": samples.FAILED}
JOB: dict[str, Any] = {
    "tags": ["movies"],
    "summary": "How far a movie is",
    "responses": {200: _json("The job.", **_JOBS), **refusals(404, 502, 503)},
}
DELETE_JOB: dict[str, Any] = {
    "tags": ["movies"],
    "summary": "End a job and delete all its files",
    "status_code": 204,
    "responses": refusals(404, 502, 503),
}
RESULT: dict[str, Any] = {
    "tags": ["movies"],
    "summary": "A result",
    "response_class": Response,
    "responses": {
        200: {
            "description": "The file, to be kept.",
            "content": {
                **{kind.partition(";")[0]: {"schema": BINARY} for kind in MEDIA_TYPES.values()},
                "application/octet-stream": {"schema": BINARY},
            },
            "headers": {"Content-Disposition": header("string", "Its name.")},
        },
        **refusals(404, 409, 502, 503),
    },
}
MODELS: dict[str, Any] = {
    "tags": ["models"],
    "summary": "The models",
    "responses": {200: _json("All of them.", models=samples.MODELS), **refusals(502, 503)},
}
REFRESH: dict[str, Any] = {
    "tags": ["models"],
    "summary": "Ask the registry now who is champion",
    "responses": {
        200: _json("All models, once the champion answers.", models=samples.MODELS),
        **refusals(502, 503, 504),
    },
}
LIVES: dict[str, Any] = {
    "tags": ["server"],
    "summary": "Whether it lives",
    "responses": {200: _json("It does.", ok=samples.LIVING)},
}
READY: dict[str, Any] = {
    "tags": ["server"],
    "summary": "Whether it can answer",
    "response_model": Health,
    "responses": {
        200: _json("It can.", ok=samples.LIVING),
        503: {
            **_json("Not yet; `detail` says why.", starting=samples.STARTING),
            "model": Health,
            "headers": {"Retry-After": header("integer", "Seconds.")},
        },
    },
}
METRICS: dict[str, Any] = {
    "tags": ["server"],
    "summary": "For Prometheus",
    "response_class": Response,
    "responses": {
        200: {
            "description": "In Prometheus' text form.",
            "content": {"text/plain": {"schema": {"type": "string"}, "example": samples.METRICS}},
        },
        **refusals(502, 503),
    },
}
