"""Whatever the description allows, and much that it does not, is answered without an error of the server."""

import re

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, status_code_conformance

from endpoint import SMALL
from serve.contract import SegmentAnswer
from serve.local import local_api
from serve.openapi import EXAMPLE_ANSWER

api = local_api(SMALL)


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


def test_every_operation_has_a_summary_and_its_refusals():
    description = api.openapi()
    operations = [op for path in description["paths"].values() for op in path.values()]
    assert all(operation["summary"] for operation in operations)
    problem = "application/problem+json"
    for operation in operations:
        assert problem in operation["responses"]["401"]["content"]
        for status, answer in operation["responses"].items():
            if status.startswith("4"):
                assert problem in answer["content"], (operation["summary"], status)


def test_the_manual_names_every_operation_and_loads_nothing_from_elsewhere(client):
    page = client.get("/docs").text
    for path in api.openapi()["paths"]:
        assert path in page
    assert not re.findall(r"(?:src|href)=\"(?!/)", page)


def test_the_example_is_an_answer():
    SegmentAnswer.model_validate(EXAMPLE_ANSWER)


@pytest.mark.parametrize("path", ["/v1/segment", "/v1/track"])
def test_bodies_are_described_field_by_field(path):
    body = api.openapi()["paths"][path]["post"]["requestBody"]["content"]
    form = body["multipart/form-data"]["schema"]
    named = {one["name"] for one in api.openapi()["paths"][path]["post"]["parameters"]}
    assert set(form["properties"]) - set(form["required"]) <= named
    assert all("description" in one for one in api.openapi()["paths"][path]["post"]["parameters"])
