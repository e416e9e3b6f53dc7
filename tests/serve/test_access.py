"""Who may ask, from where, and how fast."""

import asyncio
import socket
import threading

import httpx
import pytest
from fastapi.testclient import TestClient

from graticule.core.errors import ConfigError
from serve.bodies import Budget, counted
from serve.local import local_api
from serve.problems import Problem
from serve.settings import TOKEN_FILE_VARIABLE, TOKEN_VARIABLE, ServeSettings, read_settings, secret
from serve.threads import Threads


@pytest.fixture(scope="module")
def guarded():
    settings = ServeSettings(default_model="threshold", cors_origins=("https://lab.example.org",))
    with TestClient(local_api(settings, token=b"s3cret")) as client:
        yield client


@pytest.fixture(scope="module")
def bare():
    settings = ServeSettings(default_model="threshold", hosts=("lab.example.org",))
    with TestClient(local_api(settings)) as client:
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
    assert guarded.get("/v1/examples", headers={"authorization": f"{scheme} s3cret"}).status_code == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/openapi.json"])
def test_probes_need_no_token(guarded, path):
    assert guarded.get(path).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.0.0.1:8000", "localhost:8000", "LOCALHOST", "[::1]:8000", "10.4.0.7",
     "lab.example.org:80", socket.gethostname()],
)  # fmt: skip
def test_a_server_without_a_token_is_asked_by_its_own_names(bare, host):
    assert bare.get("/v1/examples", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "localhost.evil.example", "[::1", "x:y"],
)
def test_a_server_without_a_token_is_not_asked_by_other_names(bare, host):
    for path in ("/", "/healthz", "/v1/models"):
        answer = bare.get(path, headers={"host": host})
        assert (answer.status_code, answer.json()["type"]) == (403, "urn:graticule:foreign")
        assert "--set hosts" in answer.json()["detail"]


def test_with_a_token_a_server_may_have_any_name(guarded):
    sent = {"host": "gateway.example", "authorization": "Bearer s3cret"}
    assert guarded.get("/v1/examples", headers=sent).status_code == 200


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1:9", "file://127.0.0.1:8000"]
)
def test_pages_of_other_origins_may_not_send(bare, png, origin):
    sent = {"host": "127.0.0.1:8000", "origin": origin}
    answer = bare.post("/v1/segment", files={"image": ("a.png", png)}, headers=sent)
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:graticule:foreign")
    assert bare.delete("/v1/jobs/x", headers=sent).status_code == 403


@pytest.mark.parametrize(
    ("host", "origin"),
    [("127.0.0.1:8000", "http://127.0.0.1:8000"), ("127.0.0.1:8000", "http://localhost:8000"),
     ("[::1]:8000", "http://[::1]:8000"), ("lab.example.org", "https://lab.example.org"),
     ("lab.example.org:443", "https://lab.example.org")],
)  # fmt: skip
def test_pages_of_its_own_may_send(bare, png, host, origin):
    sent = {"host": host, "origin": origin}
    assert bare.post("/v1/segment", files={"image": ("a.png", png)}, headers=sent).status_code == 200


def test_pages_of_the_origins_named_may_send_and_read(guarded, png):
    sent = {"origin": "https://lab.example.org", "authorization": "Bearer s3cret"}
    answer = guarded.post("/v1/segment", files={"image": ("a.png", png)}, headers=sent)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == sent["origin"]
    exposed = answer.headers["access-control-expose-headers"]
    assert {"Retry-After", "Location", "Graticule-Model"} <= set(exposed.split(", "))


def test_pages_of_the_origins_named_can_read_why_they_were_refused(guarded):
    answer = guarded.get("/v1/models", headers={"origin": "https://lab.example.org"})
    assert answer.status_code == 401
    assert answer.headers["access-control-allow-origin"] == "https://lab.example.org"


def test_reading_with_the_token_may_be_asked_for_beforehand(guarded):
    asked = {
        "access-control-request-method": "GET",
        "access-control-request-headers": "authorization",
        "origin": "https://lab.example.org",
    }
    answer = guarded.options("/v1/jobs/x", headers=asked)
    assert answer.status_code == 200
    assert "GET" in answer.headers["access-control-allow-methods"]
    assert "authorization" in answer.headers["access-control-allow-headers"].lower()


def test_origins_and_hosts_may_be_given_as_text():
    given = read_settings({"cors_origins": "https://a.example, https://b.example", "hosts": "a.example"})
    assert given.cors_origins == ("https://a.example", "https://b.example")
    assert given.hosts == ("a.example",)
    assert read_settings({"hosts": ""}).hosts == ()


def test_a_slash_too_many_leads_nowhere(bare):
    assert bare.get("/v1/models/", headers={"host": "localhost"}, follow_redirects=False).status_code == 404


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


def test_one_that_is_alone_may_hold_more_than_the_budget():
    budget = Budget(10)
    with budget.share() as share:
        with share.lent(40):
            assert budget.held == 40
        share.take(4)
        with pytest.raises(Problem), budget.share() as other:
            other.take(7)
    assert budget.held == 0


def test_a_thread_keeps_its_share_and_its_place_until_it_ends():
    budget, threads, go_on, begun = Budget(10), Threads(1), threading.Event(), []

    async def given_up() -> None:
        with budget.share() as share:
            share.take(5)
            waiting = [threads.do(share, go_on.wait), threads.do(share, lambda: begun.append(1))]
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(asyncio.gather(*waiting), 0.05)
        assert budget.held == 5
        go_on.set()
        await threads.do(share, lambda: None)
        await asyncio.sleep(0.05)
        assert budget.held == 0

    asyncio.run(given_up())
    assert not begun


def test_more_than_can_wait_are_told_to_come_again(png):
    settings = ServeSettings(default_model="threshold", waiting=1)

    async def all_at_once() -> list[httpx.Response]:
        transport = httpx.ASGITransport(local_api(settings))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost", timeout=60) as asking:
            calls = [asking.post("/v1/segment", files={"image": ("a.png", png)}) for _ in range(6)]
            return await asyncio.gather(*calls)

    answers = asyncio.run(all_at_once())
    busy = [answer for answer in answers if answer.status_code == 503]
    assert {answer.status_code for answer in answers} == {200, 503}
    assert all(int(answer.headers["retry-after"]) > 0 for answer in busy)
    assert all("try again in" in answer.json()["detail"] for answer in busy)


def test_an_answer_that_takes_too_long_is_given_up(png):
    settings = ServeSettings(default_model="threshold", request_seconds=1e-4)
    with TestClient(local_api(settings), base_url="http://localhost") as hasty:
        asked = [hasty.post(path, files={"image": ("a.png", png)}) for path in ("/v1/segment", "/v1/view")]
        asked += [hasty.post("/v1/models/refresh")]
    for answer in asked:
        assert (answer.status_code, answer.json()["type"]) == (504, "urn:graticule:too-long")
        assert "0.0001 s" in answer.json()["detail"]
