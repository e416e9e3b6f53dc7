"""What OpenAPI says of bodies that are read by hand, and of answers in several forms."""

from typing import Any

from pydantic import BaseModel

from serve.contract import SegmentOptions, TrackOptions, ViewOptions

_BINARY = {"type": "string", "format": "binary"}
_IMAGES = ("image/png", "image/jpeg", "image/tiff")
_MOVIES = ("video/mp4", "video/quicktime", "video/x-msvideo", "video/x-matroska", "image/tiff")


def _properties(kind: type[BaseModel]) -> dict[str, Any]:
    """Return a model's properties with what they refer to put in their place."""
    schema = kind.model_json_schema()
    shared = schema.get("$defs", {})

    def plain(part: Any) -> Any:
        if isinstance(part, dict):
            if "$ref" in part:
                rest = {key: value for key, value in part.items() if key != "$ref"}
                return {**plain(shared[part["$ref"].rpartition("/")[2]]), **rest}
            return {key: plain(value) for key, value in part.items()}
        return [plain(item) for item in part] if isinstance(part, list) else part

    properties: dict[str, Any] = plain(schema["properties"])
    return {name: _without_null(value) for name, value in properties.items()}


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a property's schema as a text can have it: left out rather than null."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind.get("type") != "null"]
    rest = {key: value for key, value in schema.items() if key not in ("anyOf", "title", "default")}
    default = {"default": schema["default"]} if schema.get("default") is not None else {}
    return {**(kinds[0] if kinds else {}), **rest, **default}


def parameters(kind: type[BaseModel]) -> list[dict[str, Any]]:
    """Return the query parameters of a raw body."""
    return [_parameter(name, schema) for name, schema in _properties(kind).items()]


def _parameter(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    said = {"name": name, "in": "query", "required": False, "description": schema.get("description", "")}
    if name == "prompts":
        return {**said, "content": {"application/json": {"schema": schema}}}
    return {**said, "schema": schema}


def _form(kind: type[BaseModel], file: str) -> dict[str, Any]:
    properties = {file: _BINARY, **_properties(kind)}
    encoding = {"prompts": {"contentType": "application/json"}} if "prompts" in properties else {}
    schema = {
        "type": "object",
        "required": [file],
        "properties": properties,
        "additionalProperties": False,
    }
    return {"schema": schema, "encoding": encoding}


def _body(kind: type[BaseModel], file: str, raw: tuple[str, ...]) -> dict[str, Any]:
    content: dict[str, Any] = {"multipart/form-data": _form(kind, file)}
    content |= {name: {"schema": _BINARY} for name in raw}
    return {"required": True, "content": content}


SEGMENT: dict[str, Any] = {
    "requestBody": _body(SegmentOptions, "image", (*_IMAGES, "application/octet-stream")),
    "parameters": parameters(SegmentOptions),
}
VIEW: dict[str, Any] = {
    "requestBody": _body(ViewOptions, "image", (*_IMAGES, "application/octet-stream")),
}
TRACK: dict[str, Any] = {
    "requestBody": _body(TrackOptions, "movie", (*_MOVIES, "application/octet-stream")),
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
}
EXAMPLE_ANSWER: dict[str, Any] = {
    "model": "swin-unet",
    "weights": "builtin",
    "champion": False,
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
            "equivalent_diameter_nm": 1.12838,
            "polygon": [[[9.5, 19.5], [9.5, 21.5], [11.5, 21.5], [11.5, 19.5]]],
        }
    ],
}
IMAGE_ANSWERS: dict[str, Any] = {
    "image/png": {"schema": _BINARY},
    "image/tiff": {"schema": _BINARY},
    "image/jpeg": {"schema": _BINARY},
}
"""PNG is labels of 16 bit (``image/png;view=overlay`` an overlay), TIFF labels, JPEG an overlay."""
FILE_ANSWER: dict[str, Any] = {"application/octet-stream": {"schema": _BINARY}}
PICTURE_ANSWER: dict[str, Any] = {"image/png": {"schema": _BINARY}}
