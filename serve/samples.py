"""What comes back, by example: for the OpenAPI description."""

from typing import Any

from serve.problems import Problem

_REQUEST = "5f0c8e0e6d5c4d2f9a3d7b1c2e4f6a80"
_JOB = "3q2-7wDk9bV1xYz0AbCdEf"

SEGMENTED: dict[str, Any] = {
    "model": "swin-unet",
    "weights": "builtin",
    "champion": True,
    "height": 512,
    "width": 512,
    "pixel_size_nm": 0.5,
    "polarity": "dark",
    "notes": [],
    "instances": [
        {
            "id": 1,
            "area_px": 4,
            "centroid": [10.5, 20.5],
            "box": [10, 20, 12, 22],
            "equivalent_diameter_px": 2.2568,
            "touches_border": False,
            "score": 0.97,
            "area_nm2": 1.0,
            "centroid_nm": [5.25, 10.25],
            "box_nm": [5.0, 10.0, 6.0, 11.0],
            "equivalent_diameter_nm": 1.1284,
            "polygon": [[[9.5, 19.5], [9.5, 21.5], [11.5, 21.5], [11.5, 19.5]]],
        }
    ],
}
EXAMPLES: list[dict[str, Any]] = [
    {
        "name": "medium",
        "title": "Crowded, uneven illumination",
        "height": 512,
        "width": 512,
        "pixel_size_nm": 0.5,
        "particles": 64,
        "url": "/v1/examples/medium.png",
    }
]
QUEUED: dict[str, Any] = {
    "id": _JOB,
    "status": "queued",
    "url": f"/v1/jobs/{_JOB}",
    "created": "2026-05-04T09:00:00+00:00",
    "expires": "2026-05-05T09:00:00+00:00",
    "frames": 120,
    "height": 512,
    "width": 512,
}
RUNNING: dict[str, Any] = {
    **QUEUED,
    "status": "running",
    "progress": {"stage": "segment", "done": 40, "total": 120, "unit": "frames"},
}
DONE: dict[str, Any] = {
    **QUEUED,
    "status": "done",
    "expires": "2026-05-04T10:02:10+00:00",
    "results": [
        {
            "name": "particles.csv",
            "url": f"/v1/jobs/{_JOB}/particles.csv",
            "media_type": "text/csv; charset=utf-8",
            "size_bytes": 48213,
        }
    ],
}
FAILED: dict[str, Any] = {**QUEUED, "status": "failed", "problem": "the movie is damaged; copy it again"}
MODELS: dict[str, Any] = {
    "champion": "models:/graticule-segmenter/3",
    "champion_from": "registry",
    "champion_problem": None,
    "models": [
        {
            "name": "models:/graticule-segmenter/3",
            "network": "swin-unet",
            "weights": "models:/graticule-segmenter/3",
            "champion": True,
            "takes_prompts": False,
            "parameters": 27_000_000,
            "native_px": 512,
            "licence": "Apache-2.0",
            "metrics": {"score": 0.81},
        }
    ],
}
LIVING: dict[str, Any] = {"status": "ok"}
STARTING: dict[str, Any] = {"status": "starting", "detail": "the champion is being loaded"}
METRICS = 'graticule_requests_total{route="/v1/segment",method="POST",status="200"} 17.0\n'

_SAID = {
    400: (
        "bad-request",
        "there is no field 'color'; known: model, pixel_size_nm, polarity, outlines",
    ),
    401: ("unauthorised", "the request bears no valid token; send it as: Authorization: Bearer TOKEN"),
    403: (
        "foreign",
        "pages of 'https://example.org' may not ask; start it with --set cors_origins=ORIGIN",
    ),
    404: ("unknown", "there is no example 'none'; there are: easy, medium, hard"),
    406: ("no-such-form", "Accept: text/html is not offered; there is: application/json, image/png, …"),
    408: ("too-slow", "only 1048576 bytes came in 120 s; try a faster line"),
    409: ("not-finished", "the job is running; ask again when its status is done"),
    413: (
        "too-large",
        "the image has 60000 x 60000 pixels, at most 16384 along an edge and 33554432 in all are taken;"
        " crop or bin it",
    ),
    415: ("wrong-type", "the image is a GIF, by its first bytes 47 49 46 38; send a PNG, JPEG or TIFF"),
    422: ("cannot-be", "pixel_size_nm = 'wide' cannot be: give a number"),
    500: ("failed", "the server failed at this request; its log has more, by the id"),
    502: ("replica-lost", "the worker of this request is gone; ask again"),
    503: ("busy", "32 requests wait for a model; try again in 2 s"),
    504: ("too-long", "there was no answer within 60 s; crop the image, or name a faster model"),
}
PROBLEMS: dict[int, dict[str, Any]] = {
    status: Problem(kind, detail).body(_REQUEST) for status, (kind, detail) in _SAID.items()
}
"""By status."""
