"""What OpenAPI says of bodies that are read by hand, of refusals, and of headers."""

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel

from serve.contract import ProblemAnswer
from serve.samples import PROBLEMS

BINARY = {"type": "string", "format": "binary"}
PROBLEM_TYPE = "application/problem+json"
_REFUSED = {
    400: "The request cannot be read.",
    401: "The server asks for a token, and this is none or another.",
    403: "The request comes from a page of another origin, or by a name that is not the server's.",
    404: "There is no such thing.",
    406: "`Accept` names no form that is offered.",
    408: "The body took too long to arrive.",
    409: "Not finished.",
    413: "Body or image is too large; refused while it arrives, or from its header.",
    415: "The body is no image that is read, or not what its type says.",
    422: "A value, or the image, cannot be.",
    500: "The server failed.",
    502: "The worker of this request is gone; ask again.",
    503: "Too many requests wait.",
    504: "The time limit is over.",
}
_REQUEST_ID = {
    "X-Request-Id": {"schema": {"type": "string"}, "description": "The request's id, as in the log."}
}
_BY_STATUS = {
    401: {"WWW-Authenticate": {"schema": {"type": "string"}, "description": "`Bearer`."}},
    503: {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}},
}


def header(kind: str, description: str) -> dict[str, Any]:
    """Return what is said of an answer's header."""
    return {"schema": {"type": kind}, "description": description}


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the responses of refusals, each with an example."""
    schema = {"$ref": "#/components/schemas/ProblemAnswer"}
    return {
        status: {
            "description": _REFUSED[status],
            "content": {PROBLEM_TYPE: {"schema": schema, "example": PROBLEMS[status]}},
            "headers": _BY_STATUS.get(status, {}),
        }
        for status in statuses
    }


def completed(schema: dict[str, Any], *, secured: bool, opened: Iterable[str]) -> dict[str, Any]:
    """Return a description with what FastAPI cannot know.

    Args:
        schema: By FastAPI.
        secured: Whether a token is asked for.
        opened: Paths that need none.
    """
    parts = schema.setdefault("components", {})
    parts.setdefault("schemas", {})["ProblemAnswer"] = ProblemAnswer.model_json_schema()
    for unused in ("HTTPValidationError", "ValidationError"):
        parts["schemas"].pop(unused, None)
    for path, operations in schema["paths"].items():
        for operation in operations.values():
            _complete(operation, opened=path in opened)
    if secured:
        parts["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        schema["security"] = [{"token": []}]
    return schema


def _complete(operation: dict[str, Any], *, opened: bool) -> None:
    responses = operation["responses"]
    if "HTTPValidationError" in str(responses.get("422", "")):
        responses["422"] = refusals(422)[422]
    if opened:
        operation["security"] = []
        responses.pop("401", None)
    for response in responses.values():
        response["headers"] = {**response.get("headers", {}), **_REQUEST_ID}


def body(
    kind: type[BaseModel], file: str, raw: Iterable[str], *, name: str, fields: dict[str, Any]
) -> dict[str, Any]:
    """Return what is said of a body that is a form with a file, or the file itself.

    Args:
        kind: The options.
        file: The name of the file's part.
        raw: Media types of the file alone.
        name: Of a file, for the examples.
        fields: Options, for the examples.
    """
    shown = f"(the bytes of {name})"
    content: dict[str, Any] = {"multipart/form-data": _form(kind, file, {file: shown, **fields})}
    content |= {media_type: {"schema": BINARY, "example": shown} for media_type in raw}
    return {"required": True, "content": content}


def parameters(kind: type[BaseModel]) -> list[dict[str, Any]]:
    """Return the query parameters of a raw body."""
    return [_parameter(name, schema) for name, schema in _properties(kind).items()]


def _form(kind: type[BaseModel], file: str, example: dict[str, Any]) -> dict[str, Any]:
    properties = {file: BINARY, **_properties(kind)}
    encoding = {"prompts": {"contentType": "application/json"}} if "prompts" in properties else {}
    schema = {
        "type": "object",
        "required": [file],
        "properties": properties,
        "additionalProperties": False,
    }
    return {"schema": schema, "encoding": encoding, "example": example}


def _parameter(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    said = {"name": name, "in": "query", "required": False, "description": schema.get("description", "")}
    if name == "prompts":
        return {**said, "content": {"application/json": {"schema": schema}}}
    return {**said, "schema": schema}


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
