"""``/docs``: the OpenAPI description as a page that is read without leaving this machine.

FastAPI's own pages load their scripts from elsewhere.
"""

from collections.abc import Iterator
from html import escape
from typing import Any

_CURL = {
    "/v1/segment": (
        "curl -F image=@frame.tif -F pixel_size_nm=0.25 {url}/v1/segment",
        "curl -F image=@frame.tif -H 'Accept: image/png' -o labels.png {url}/v1/segment",
        "curl -H 'Content-Type: image/png' --data-binary @frame.png '{url}/v1/segment?model=vmamba'",
        "curl -F image=@frame.png -F 'prompts={{\"points\": [[120, 84, 1]]}}' {url}/v1/segment",
    ),
    "/v1/track": ("curl -F movie=@sintering.mrc -F frame_interval_s=0.5 {url}/v1/track",),
    "/v1/models": ("curl {url}/v1/models",),
}


def manual(description: dict[str, Any], *, url: str) -> str:
    """Return the page.

    Args:
        description: In OpenAPI's form.
        url: Of this server, for the examples.
    """
    return "\n".join(_page(description, url.rstrip("/")))


def _page(description: dict[str, Any], url: str) -> Iterator[str]:
    title = escape(f"{description['info']['title']} {description['info']['version']}")
    yield f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
    yield '<link rel="icon" href="/page/icon.svg" type="image/svg+xml">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield '<link rel="stylesheet" href="/page/docs.css"></head><body><main>'
    yield f"<h1>{title}</h1>"
    for paragraph in description["info"]["description"].split("\n\n"):
        yield f"<p>{_marked(paragraph)}</p>"
    yield '<p>For programs: <a href="/openapi.json">openapi.json</a>.</p>'
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            yield from _operation(method, path, operation, url)
    yield "<h2>Answers</h2>"
    for name, schema in description["components"]["schemas"].items():
        yield from _schema(name, schema)
    yield "</main></body></html>"


def _operation(method: str, path: str, operation: dict[str, Any], url: str) -> Iterator[str]:
    yield f"<section><h2><code>{method.upper()} {escape(path)}</code></h2>"
    yield f"<p>{_marked(operation['summary'])}. {_marked(operation.get('description', ''))}</p>"
    examples = _CURL.get(path, ())
    if examples:
        yield "<pre>" + escape("\n".join(example.format(url=url) for example in examples)) + "</pre>"
    rows = [
        (one["name"], _kind(one.get("schema") or one["content"]["application/json"]["schema"]), one)
        for one in operation.get("parameters", ())
    ]
    if rows:
        yield "<table><tr><th>field</th><th>is</th><th></th></tr>"
        for name, kind, one in rows:
            yield f"<tr><td><code>{escape(name)}</code></td><td>{escape(kind)}</td>"
            yield f"<td>{_marked(one.get('description', ''))}</td></tr>"
        yield "</table>"
    yield "<table><tr><th>status</th><th></th><th>as</th></tr>"
    for status, answer in sorted(operation["responses"].items()):
        types = ", ".join(answer.get("content", {}))
        yield f"<tr><td>{status}</td><td>{_marked(answer['description'])}</td><td>{escape(types)}</td></tr>"
    yield "</table></section>"


def _schema(name: str, schema: dict[str, Any]) -> Iterator[str]:
    yield f'<h3 id="{escape(name)}">{escape(name)}</h3><p>{_marked(schema.get("description", ""))}</p>'
    yield "<table><tr><th>member</th><th>is</th><th></th></tr>"
    for member, own in schema.get("properties", {}).items():
        yield f"<tr><td><code>{escape(member)}</code></td><td>{escape(_kind(own))}</td>"
        yield f"<td>{_marked(own.get('description', ''))}</td></tr>"
    yield "</table>"


def _kind(schema: dict[str, Any]) -> str:
    """Return what a value is, in a few words."""
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        return " or ".join(_kind(one) for one in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(map(str, schema["enum"]))
    if "const" in schema:
        return str(schema["const"])
    if "prefixItems" in schema:
        return f"[{', '.join(_kind(one) for one in schema['prefixItems'])}]"
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    return str(schema.get("type", "object"))


def _marked(text: str) -> str:
    """Return text as HTML, with ``code`` between backquotes."""
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if index % 2 else part for index, part in enumerate(parts))
