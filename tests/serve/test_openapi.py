"""Whatever the description allows, and much that it does not, is answered without an error of the server."""

import re
from collections.abc import Iterator

import jsonschema
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, status_code_conformance

from endpoint import SMALL
from serve import samples
from serve.contract import JobAnswer, SegmentAnswer
from serve.gate import OPEN
from serve.local import local_api
from serve.movie_worker import MEDIA_TYPES
from serve.openapi import PROBLEM_TYPE

api = local_api(SMALL)
SECURED = local_api(SMALL, token=b"s3cret").openapi()


@schemathesis.serializer("image/tiff", "video/mp4", "video/quicktime", "video/x-matroska", "video/x-msvideo")
def as_it_is(_, value):
    return value if isinstance(value, bytes) else str(value).encode()


schema = schemathesis.openapi.from_asgi("/openapi.json", api)


@schema.parametrize()
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
def test_no_request_breaks_the_server(case):
    case.call_and_validate(
        checks=(not_a_server_error, status_code_conformance, content_type_conformance),
        headers={"accept": "*/*"},
    )


def operations() -> Iterator[tuple[str, dict]]:
    for path, methods in api.openapi()["paths"].items():
        for method, operation in methods.items():
            yield f"{method} {path}", operation


def answers() -> Iterator[tuple[str, str, dict]]:
    for name, operation in operations():
        for status, answer in operation["responses"].items():
            yield name, status, answer


def contents(*, of: str) -> list:
    """Return all bodies, or all answers in JSON: what they are, and how they are described."""
    if of == "bodies":
        bodies = ((name, one["requestBody"]["content"]) for name, one in operations() if "requestBody" in one)
    else:
        bodies = ((f"{name} {status}", answer.get("content", {})) for name, status, answer in answers())
    return [
        pytest.param(described, id=f"{name} {kind}")
        for name, content in bodies
        for kind, described in content.items()
        if of == "bodies" or kind.endswith("json")
    ]


def shown(described: dict) -> list:
    named = [one["value"] for one in described.get("examples", {}).values()]
    return named or [described["example"]]


@pytest.mark.parametrize("described", contents(of="bodies"))
def test_every_body_has_an_example_that_it_allows(described):
    for example in shown(described):
        check(example, described["schema"])


@pytest.mark.parametrize("described", contents(of="answers"))
def test_every_answer_in_json_has_an_example_that_it_allows(described):
    for example in shown(described):
        check(example, described["schema"])


def check(example, described) -> None:
    whole = {**described, "components": api.openapi()["components"]}
    formats = jsonschema.Draft202012Validator.FORMAT_CHECKER
    jsonschema.Draft202012Validator(whole, format_checker=formats).validate(example)


def test_every_operation_has_a_summary_and_its_refusals():
    for name, operation in operations():
        assert operation["summary"], name
        assert PROBLEM_TYPE in operation["responses"]["500"]["content"]
        assert ("401" in operation["responses"]) == (name.partition(" ")[2] not in OPEN)
    for name, status, answer in answers():
        if status.startswith("4"):
            assert PROBLEM_TYPE in answer["content"], (name, status)


def test_the_headers_of_answers_are_described():
    of = {(name, status): answer["headers"].keys() for name, status, answer in answers()}
    assert all("X-Request-Id" in headers for headers in of.values())
    assert all("Retry-After" in headers for (_, status), headers in of.items() if status == "503")
    assert "Location" in of["post /v1/track", "202"]
    assert {"Graticule-Model", "Graticule-Weights", "Graticule-Instances"} <= of["post /v1/segment", "200"]


def test_headers_that_are_sent_are_described(client, png):
    sent = client.post("/v1/segment", files={"image": ("a.png", png)}).headers
    described = api.openapi()["paths"]["/v1/segment"]["post"]["responses"]["200"]["headers"]
    assert {name for name in sent if name.startswith("graticule-")} <= {name.lower() for name in described}


def test_results_are_described_as_they_are_served():
    described = api.openapi()["paths"]["/v1/jobs/{job}/{name}"]["get"]["responses"]["200"]["content"]
    assert {kind.partition(";")[0] for kind in MEDIA_TYPES.values()} <= described.keys()


def test_the_token_is_described_where_it_is_asked_for():
    assert SECURED["security"] == [{"token": []}]
    open_ones = {path for path, one in SECURED["paths"].items() if one.get("get", {}).get("security") == []}
    assert open_ones == {"/healthz", "/readyz"}
    assert "security" not in api.openapi()


def test_moments_are_described_as_such():
    job = api.openapi()["components"]["schemas"]["JobAnswer"]["properties"]
    assert job["created"]["format"] == job["expires"]["format"] == "date-time"


def test_the_manual_names_every_operation_and_loads_nothing_from_elsewhere(client):
    page = client.get("/docs").text
    for path in api.openapi()["paths"]:
        assert path in page
    assert not re.findall(r"(?:src|href)=\"(?!/)", page)


def test_the_examples_are_answers():
    SegmentAnswer.model_validate(samples.SEGMENTED)
    for job in (samples.QUEUED, samples.RUNNING, samples.DONE, samples.FAILED):
        JobAnswer.model_validate(job)


@pytest.mark.parametrize("path", ["/v1/segment", "/v1/track"])
def test_bodies_are_described_field_by_field(path):
    body = api.openapi()["paths"][path]["post"]["requestBody"]["content"]
    form = body["multipart/form-data"]["schema"]
    named = {one["name"] for one in api.openapi()["paths"][path]["post"]["parameters"]}
    assert set(form["properties"]) - set(form["required"]) <= named
    assert all("description" in one for one in api.openapi()["paths"][path]["post"]["parameters"])
