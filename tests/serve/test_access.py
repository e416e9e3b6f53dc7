"""Who may ask, from where, and how fast."""

import asyncio

import httpx
import pytest
from fastapi.testclient import TestClient

from graticule.core.errors import ConfigError
from serve.bodies import Budget, counted
from serve.local import local_api
from serve.problems import Problem
from serve.settings import TOKEN_FILE_VARIABLE, TOKEN_VARIABLE, ServeSettings, secret


@pytest.fixture(scope="module")
def guarded():
    settings = ServeSettings(default_model="threshold", cors_origins=("https://lab.example.org",))
    with TestClient(local_api(settings, token=b"s3cret")) as client:
        yield client


@pytest.mark.parametrize(
    "sent",
    [{}, {"authorization": "Bearer wrong"}, {"authorization": "s3cret"}, {"authorization": "Basic s3cret"},
     {"authorization": "Bearer s3cre"}, {"authorization": "Bearer s3cret2"}, {"authorization": "Bearer "},
     {"authorization": "Bearer \xff"}],
    ids=str,
)  # fmt: skip
def test_without_the_token_nothing_is_answered(guarded, sent):
    sent = {name: value.encode("latin-1") for name, value in sent.items()}
    for method, path in [("GET", "/v1/models"), ("POST", "/v1/segment"), ("GET", "/metrics")]:
        answer = guarded.request(method, path, headers=sent)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert "Authorization: Bearer" in answer.json()["detail"]


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_with_the_token_requests_pass(guarded, scheme):
    assert guarded.get("/v1/models", headers={"authorization": f"{scheme} s3cret"}).status_code == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/openapi.json"])
def test_probes_need_no_token(guarded, path):
    assert guarded.get(path).status_code == 200


def test_only_the_origins_named_may_ask(guarded, client):
    asked = {"access-control-request-method": "POST", "origin": "https://lab.example.org"}
    assert (
        guarded.options("/v1/segment", headers=asked).headers["access-control-allow-origin"]
        == asked["origin"]
    )
    other = guarded.options("/v1/segment", headers={**asked, "origin": "https://evil.example"})
    assert "access-control-allow-origin" not in other.headers
    assert "access-control-allow-origin" not in client.get("/healthz", headers=asked).headers


def test_a_browser_is_kept_to_this_origin(client):
    policy = client.get("/healthz").headers["content-security-policy"]
    assert policy.startswith("default-src 'self';")
    assert "unsafe" not in policy
    assert "http" not in policy


def test_every_answer_has_an_id_that_a_problem_repeats(client):
    answer = client.get("/v1/jobs/none")
    assert answer.json()["instance"] == answer.headers["x-request-id"]


def test_the_secret_comes_from_the_environment_or_a_file(monkeypatch, tmp_path):
    for name in (TOKEN_VARIABLE, TOKEN_FILE_VARIABLE):
        monkeypatch.delenv(name, raising=False)
    assert secret() is None
    monkeypatch.setenv(TOKEN_VARIABLE, "abc\n")
    assert secret() == b"abc"
    (tmp_path / "token").write_text("def\n")
    monkeypatch.setenv(TOKEN_FILE_VARIABLE, str(tmp_path / "token"))
    assert secret() == b"def"
    (tmp_path / "token").write_text("\n")
    with pytest.raises(ConfigError, match="is empty"):
        secret()
    monkeypatch.setenv(TOKEN_FILE_VARIABLE, str(tmp_path / "none"))
    with pytest.raises(ConfigError, match="cannot be read"):
        secret()


async def bodied(*chunks: bytes, pause: float = 0.0):
    for chunk in chunks:
        await asyncio.sleep(pause)
        yield chunk


def arrived(chunks, **how) -> bytes:
    async def gather() -> bytes:
        return b"".join([chunk async for chunk in counted(chunks, **how)])

    return asyncio.run(gather())


def test_a_body_is_refused_while_it_arrives():
    taken: list[int] = []

    async def endless():
        while True:
            taken.append(1)
            yield bytes(100)

    with pytest.raises(Problem, match="more than 950 bytes") as refused:
        arrived(endless(), announced=None, most=950, seconds=5)
    assert refused.value.status == 413
    assert len(taken) == 10


def test_a_body_that_says_how_large_it_is_is_refused_before_it_comes():
    with pytest.raises(Problem, match=r"1024\.0 MiB"):
        arrived(bodied(b"1"), announced=str(2**30), most=950, seconds=5)


def test_a_body_that_comes_too_slowly_is_refused():
    with pytest.raises(Problem, match="only 2 bytes came") as refused:
        arrived(bodied(b"1", b"2", b"3", pause=0.08), announced=None, most=9, seconds=0.2)
    assert refused.value.status == 408


def test_a_budget_is_given_back():
    budget = Budget(10)
    with budget.share() as share:
        share.take(8)
        with pytest.raises(Problem) as refused, budget.share() as other:
            other.take(3)
        assert refused.value.headers["Retry-After"]
    assert budget.held == 0


def test_more_than_can_wait_are_told_to_come_again(png):
    settings = ServeSettings(default_model="threshold", waiting=1)

    async def all_at_once() -> list[httpx.Response]:
        transport = httpx.ASGITransport(local_api(settings))
        async with httpx.AsyncClient(transport=transport, base_url="http://here", timeout=60) as asking:
            calls = [asking.post("/v1/segment", files={"image": ("a.png", png)}) for _ in range(6)]
            return await asyncio.gather(*calls)

    answers = asyncio.run(all_at_once())
    busy = [answer for answer in answers if answer.status_code == 503]
    assert {answer.status_code for answer in answers} == {200, 503}
    assert all(int(answer.headers["retry-after"]) > 0 for answer in busy)
    assert all("try again in" in answer.json()["detail"] for answer in busy)


def test_an_answer_that_takes_too_long_is_given_up(png):
    settings = ServeSettings(default_model="threshold", request_seconds=0.01)
    with TestClient(local_api(settings)) as hasty:
        answer = hasty.post("/v1/segment", files={"image": ("a.png", png)})
    assert answer.status_code == 504
    assert "0.01 s" in answer.json()["detail"]
