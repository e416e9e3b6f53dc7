"""The endpoint as users start it: ``python -m serve``, on a Ray of its own, until it is interrupted."""

import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import imagecodecs
import numpy as np
import psutil
import pytest

from graticule.experiments.register import register
from graticule.experiments.runs import start
from graticule.training.registering import packaged
from mlflow_home import begin
from movies import sintering_tiff
from random_weights import tiny_swin
from threshold_answer import expected
from typed import status_of

ROOT = Path(__file__).parents[2]
START_SECONDS = 240.0
TOKEN = "s3cret"
pytestmark = pytest.mark.slow


@dataclass
class Server:
    """A running endpoint."""

    url: str
    process: psutil.Process
    temporary: Path

    def client(self, **how) -> httpx.Client:
        """Return a client that bears the token."""
        return httpx.Client(
            base_url=self.url, headers={"authorization": f"Bearer {TOKEN}"}, timeout=90, **how
        )

    def replicas(self, deployment: str) -> list[psutil.Process]:
        """Return the processes of a deployment."""
        named = f"ServeReplica:graticule:{deployment}"
        children = self.process.children(recursive=True)
        return [child for child in children if any(named in part for part in _command(child))]

    def memory_mib(self) -> float:
        """Return the memory that its processes hold for themselves."""
        processes = [self.process, *self.process.children(recursive=True)]
        return sum(process.memory_full_info().uss for process in processes) / 2**20

    def wait(self, so: Callable[[], bool], seconds: float, what: str) -> float:
        """Wait until something is so; return after how many seconds it was."""
        began = time.monotonic()
        while time.monotonic() - began < seconds:
            try:
                if so():
                    return time.monotonic() - began
            except httpx.HTTPError:
                pass
            time.sleep(0.1)
        raise AssertionError(f"{what}: not within {seconds:g} s")


@dataclass(frozen=True)
class Answer:
    """What became of a request; status 0 is a connection that broke."""

    began: float
    ended: float
    status: int
    weights: str
    content: bytes


@dataclass
class Asking:
    """Clients that ask without a pause; every answer is kept."""

    server: Server
    content: bytes
    clients: int = 4
    answers: list[Answer] = field(default_factory=list)

    def __enter__(self) -> "Asking":
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(self.clients)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _ask(self) -> None:
        with self.server.client() as client:
            while not self._stop.is_set():
                began = time.monotonic()
                status, weights, content = self._asked(client)
                self.answers.append(Answer(began, time.monotonic(), status, weights, content))

    def _asked(self, client: httpx.Client) -> tuple[int, str, bytes]:
        headers = {"content-type": "image/png", "accept": "image/png"}
        try:
            answer = client.post("/v1/segment", content=self.content, headers=headers)
        except httpx.HTTPError as error:
            return 0, "", repr(error).encode()
        return answer.status_code, answer.headers.get("graticule-weights", ""), answer.content


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def home(home_of_its_own, tmp_path_factory) -> Path:
    """A registry with two versions of a small network."""
    begin(home_of_its_own)
    for seed in (0, 1):
        weights = tiny_swin(tmp_path_factory.mktemp("weights") / "w.safetensors", seed=seed)
        register(start("e", "r"), packaged(weights, "swin-unet"), scores={"score": 0.5 + seed / 4})
    return home_of_its_own


@pytest.fixture(scope="module")
def server(home, tmp_path_factory) -> Iterator[Server]:
    """The endpoint, with the threshold as champion until another is named."""
    temporary = tmp_path_factory.mktemp("t")
    port = _free_port()
    log = (temporary / "log").open("wb")
    command = [sys.executable, "-m", "serve", "--port", str(port), "--model", "threshold", "--replicas", "2"]
    settings = ["--set", "champion_seconds=600", "--set", "least_replicas=2", "--set", "results_seconds=3600"]
    environment = {**os.environ, "GRATICULE_SERVE_TOKEN": TOKEN, "TMPDIR": str(temporary)}
    environment.pop("RAY_ADDRESS", None)
    process = subprocess.Popen(
        [*command, *settings], cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True
    )
    running = Server(f"http://127.0.0.1:{port}", psutil.Process(process.pid), temporary)
    try:
        ready = lambda: httpx.get(f"{running.url}/readyz").status_code == 200  # noqa: E731
        running.wait(ready, START_SECONDS, f"the endpoint ({temporary / 'log'})")
        yield running
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
    assert not list(temporary.glob("graticule-serve-*")), "files of jobs were left"
    assert "Traceback" not in (temporary / "log").read_text()


def labels(content: bytes) -> np.ndarray:
    return imagecodecs.png_decode(content)


def test_without_the_token_it_does_not_answer(server):
    assert httpx.get(f"{server.url}/v1/models").status_code == 401


def test_it_listens_to_this_machine_alone(server):
    processes = [server.process, *server.process.children(recursive=True)]
    places = [place for process in processes for place in process.net_connections("inet")]
    listening = {place.laddr.ip for place in places if place.status == psutil.CONN_LISTEN}
    assert listening <= {"127.0.0.1", "::1", "::ffff:127.0.0.1"}


def test_images_are_segmented_as_by_graticule_segment(server, png, frame):
    with server.client() as client:
        answer = client.post("/v1/segment", files={"image": ("a.png", png)}, headers={"accept": "image/png"})
    assert np.array_equal(labels(answer.content), expected(frame))


def test_the_second_click_takes_a_fifth_of_the_first_at_most(server, png):
    seconds = []
    with server.client() as client:
        for x in (40, 60, 60):
            prompts = json.dumps({"points": [[x, 60, 1]]})
            began = time.perf_counter()
            answer = client.post("/v1/segment", files={"image": ("a.png", png)}, data={"prompts": prompts})
            seconds.append(time.perf_counter() - began)
            assert answer.status_code == 200, answer.text
            assert answer.json()["model"] == "efficient-sam-ti"
    assert min(seconds[1:]) <= seconds[0] / 5


def promote(version: int, server: Server) -> int:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRATICULE_SERVE_TOKEN", TOKEN)
        return status_of("promote", version, "--server", server.url)


def test_a_promotion_under_load_drops_nothing(server, png):
    with server.client() as client, Asking(server, png) as asking:
        time.sleep(2)
        for version in (1, 2):
            assert promote(version, server) == 0
            told = client.get("/v1/models").json()
            assert told["champion"] == f"models:/graticule-segmenter/{version}"
            assert told["champion_from"] == "registry"
            time.sleep(3)
    assert {answer.status for answer in asking.answers} == {200}
    by_weights = {answer.weights: answer.content for answer in asking.answers}
    assert set(by_weights) == {"builtin", *(f"models:/graticule-segmenter/{n}" for n in (1, 2))}
    for answer in asking.answers:
        assert answer.content == by_weights[answer.weights]
    scores = {model["name"]: model["metrics"] for model in told["models"]}
    assert scores["models:/graticule-segmenter/2"] == {"score": 0.75}


@pytest.mark.parametrize("deployment", ["Segmenting", "Ingress", "Keeper"])
def test_a_killed_replica_takes_nothing_with_it_but_what_it_was_at(server, png, frame, deployment):
    with Asking(server, png) as asking:
        time.sleep(2)
        before = {replica.pid for replica in server.replicas(deployment)}
        victim = server.replicas(deployment)[0]
        killed = time.monotonic()
        victim.kill()
        time.sleep(15)
        anew = lambda: {replica.pid for replica in server.replicas(deployment)} - before  # noqa: E731
        server.wait(lambda: bool(anew()), 30, f"another {deployment}")
        time.sleep(2)
    good = [answer for answer in asking.answers if answer.status == 200]
    failed = [answer for answer in asking.answers if answer.status != 200]
    assert {answer.status for answer in failed} <= {502, 503}
    assert all(json.loads(answer.content)["detail"] for answer in failed)
    assert all(answer.ended - answer.began < 60 for answer in asking.answers)
    assert min(answer.ended for answer in good if answer.began > killed) - killed < 15
    assert not [answer for answer in failed if answer.began > killed + 15]
    if deployment != "Ingress":  # there is but one, and nobody answers before there is another
        in_flight = sum(answer.began < killed < answer.ended for answer in asking.answers)
        assert len(failed) <= (in_flight if deployment == "Segmenting" else 0)
    by_weights = {answer.weights: answer.content for answer in good}
    assert all(answer.content == by_weights[answer.weights] for answer in good)
    assert len(by_weights) == 1, "another than the champion answered"


def test_a_movie_is_tracked_on_the_pipeline_and_leaves_nothing(server, tmp_path):
    movie = sintering_tiff(tmp_path / "m.tif", frames=6, size=96)
    with server.client() as client:
        begun = client.post(
            "/v1/track", files={"movie": ("m.tif", movie.read_bytes())}, data={"model": "threshold"}
        )
        assert begun.status_code == 202, begun.text
        job = begun.headers["location"]
        early = client.get(f"{job}/particles.csv")
        assert early.status_code in (409, 200)
        done = lambda: client.get(job).json()["status"] in ("done", "failed")  # noqa: E731
        server.wait(done, 300, "the movie")
        told = client.get(job).json()
        assert told["status"] == "done", told["problem"]
        names = {result["name"] for result in told["results"]}
        assert {
            "particles.csv",
            "tracks.csv",
            "report.html",
            "overlay.mp4",
            "experiment.ome.zarr.zip",
        } <= names
        for result in told["results"]:
            content = client.get(result["url"])
            assert len(content.content) == result["size_bytes"]
            assert content.headers["content-disposition"].startswith("attachment")
        archive = zipfile.ZipFile(io.BytesIO(client.get(f"{job}/experiment.ome.zarr.zip").content))
        assert archive.testzip() is None
        assert not list(server.temporary.rglob("movie.tif"))
        assert client.delete(job).status_code == 204
        assert client.get(job).status_code == 404
    assert not list(server.temporary.rglob("particles.csv"))


def test_large_bodies_leave_the_server_up_and_its_memory_as_it_was(server, png):
    large = png[:60] + bytes(60 * 2**20)
    headers = {"content-type": "image/png", "accept": "image/png"}

    def sent(content: bytes | Iterator[bytes]) -> int:
        with server.client() as client:
            try:
                return client.post("/v1/segment", content=content, headers=headers).status_code
            except httpx.WriteError:  # the server closed its end once it had answered
                return 413

    refused = sent(large)
    assert refused in (415, 422)
    before = server.memory_mib()
    with ThreadPoolExecutor(4) as pool:
        statuses = set(pool.map(sent, [large] * 12))
        gigabyte = pool.submit(sent, (bytes(2**20) for _ in range(1024))).result()
    assert statuses <= {refused, 503}
    assert gigabyte == 413
    server.wait(lambda: server.memory_mib() < before + 150, 30, "memory that returns")
    assert sent(png) == 200


def test_metrics_are_those_of_all_replicas(server):
    time.sleep(3)
    with server.client() as client:
        text = client.get("/metrics").text
    assert 'graticule_requests_total{method="POST"' in text
    assert 'graticule_batch_images_count{network="swin-unet"' in text
