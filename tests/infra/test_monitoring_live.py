"""Real Ray head, job, endpoint and Prometheus: what the dashboard and the alerts ask for is there."""

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import numpy as np
import pytest
import tifffile
import yaml
from PIL import Image

from dashboard import GPU_METRICS, alerts, metric_names, panels
from local_head import Head, _free_port, local_head
from movies import sintering_tiff

ROOT = Path(__file__).parents[2]
PROMETHEUS = ROOT / "infra" / "prometheus"
TOKEN = "s3cret"
FRAMES, SIZE, TILE = 16, 64, 32
ENDED = "done.json"
QUIET_SECONDS = 5
"""For what was last counted to come as well: nodes collect every second, and Prometheus asks every two."""
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        shutil.which("prometheus") is None, reason="needs Prometheus: Debian's package prometheus"
    ),
]


@dataclass(frozen=True)
class Seen:
    """What a Prometheus has scraped, and the experiment that was tracked meanwhile."""

    url: str
    experiment: Path
    began: float

    def ask(self, path: str, **parameters: object) -> object:
        """Return the data of an answer of the API."""
        with urlopen(f"{self.url}/api/v1/{path}?{urlencode(parameters)}", timeout=10) as answer:
            return json.load(answer)["data"]

    def series(self, expression: str) -> list:
        """Return the series of an expression over all the time since it began."""
        return self.ask("query_range", query=expression, start=self.began, end=time.time(), step=1)["result"]

    def last(self, expression: str, by: str) -> dict[str, float]:
        """Return the last values of an expression, by a label."""
        return {series["metric"][by]: float(series["values"][-1][1]) for series in self.series(expression)}

    def names(self) -> set[str]:
        """Return the names of all metrics that were scraped."""
        return set(self.ask("label/__name__/values"))

    def steps(self) -> dict[str, dict[str, float]]:
        """Return what the experiment itself says of its steps."""
        done = [json.loads(file.read_text()) for file in self.experiment.glob(f"runs/*/{ENDED}")]
        return {name: figures for one in done for name, figures in one["steps"].items()}


@pytest.fixture(scope="module")
def seen(tmp_path_factory) -> Iterator[Seen]:
    folder = tmp_path_factory.mktemp("monitored")
    with pytest.MonkeyPatch.context() as patch:
        _as_on_a_cluster(patch)
        with local_head(cpus=4, log=folder / "head.log") as head:
            port = _free_port()
            with _prometheus(folder, head, endpoint=port) as url:
                began = time.time()
                _declare(head, folder, port)
                _track(head, folder)
                _wait(lambda: _answers(f"http://127.0.0.1:{port}/readyz"), 120, "the endpoint")
                _use(f"http://127.0.0.1:{port}")
                seen = Seen(url, folder / "out" / "movie.ome.zarr", began)
                _wait(lambda: not _lacking(seen), 40, "the metrics")
                assert _lacking(seen) == []
                time.sleep(QUIET_SECONDS)
                yield seen
            os.killpg(head.pid, signal.SIGKILL)  # a head that serves takes a quarter of a minute to end


def _as_on_a_cluster(patch: pytest.MonkeyPatch) -> None:
    for switch in ("RAY_enable_open_telemetry", "RAY_enable_metrics_collection"):
        patch.delenv(switch, raising=False)
    patch.setenv("PYTHONPATH", str(ROOT))
    patch.setenv("RAY_metrics_report_interval_ms", "1000")
    patch.setenv("AUTOSCALER_METRIC_PORT", str(_free_port()))
    patch.setenv("DASHBOARD_METRIC_PORT", str(_free_port()))
    patch.setenv("GRATICULE_SERVE_TOKEN", TOKEN)
    patch.setenv("RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH", "serve.front:middlewares")


def _declare(head: Head, folder: Path, port: int) -> None:
    config = yaml.safe_load((ROOT / "serve" / "config.yaml").read_text())
    config["http_options"]["port"] = port
    config["applications"][0]["args"] = {"default_model": "threshold", "most_replicas": 1}
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    command = [sys.executable, str(ROOT / "infra" / "endpoint.py"), "--address", head.address]
    command += ["--config", str(folder / "config.yaml"), "--once"]
    subprocess.run(command, env=head.environment, check=True)


def _configured(folder: Path, head: Head, *, own: int, endpoint: int) -> Path:
    """Return the repository's configuration with paths, ports and intervals of this machine."""
    (folder / "token").write_text(TOKEN)
    text = (PROMETHEUS / "prometheus.yml").read_text()
    here = {
        "/etc/prometheus/alerts.yml": str(PROMETHEUS / "alerts.yml"),
        "/tmp/ray/": f"{head.folder}/",
        "/run/secrets/graticule_serve_token": str(folder / "token"),
        "ray-head:8000": f"127.0.0.1:{endpoint}",
        "localhost:9090": f"127.0.0.1:{own}",
        "15s": "2s",
        "10s": "2s",
    }
    for theirs, ours in here.items():
        assert theirs in text
        text = text.replace(theirs, ours)
    (folder / "prometheus.yml").write_text(text)
    return folder / "prometheus.yml"


@contextmanager
def _prometheus(folder: Path, head: Head, *, endpoint: int) -> Iterator[str]:
    port = _free_port()
    command = [
        "prometheus",
        f"--config.file={_configured(folder, head, own=port, endpoint=endpoint)}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=subprocess.STDOUT, env={**os.environ, "GOMAXPROCS": "1"}
        )
    try:
        _wait(lambda: _answers(f"http://127.0.0.1:{port}/-/ready"), 20, "Prometheus")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


def _track(head: Head, folder: Path) -> None:
    """Track three movies: one breaks off and is refused, one is whole, and one is torn within."""
    whole = sintering_tiff(folder / "movie.tif", frames=FRAMES, size=SIZE)
    cut, torn = folder / "cut.tif", folder / "torn.tif"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    _write_torn(torn, tifffile.imread(whole))
    job = ["python", str(ROOT / "jobs" / "track_dataset.py"), *map(str, (cut, whole, torn))]
    assert head.submit(*job, "--out", str(folder / "out"), "--tile", str(TILE)) != 0


def _write_torn(path: Path, frames: np.ndarray) -> None:
    tifffile.imwrite(path, frames, compression="zlib", metadata={"axes": "TYX"})
    with tifffile.TiffFile(path) as movie:
        page = movie.pages[FRAMES // 2]
        start, length = page.dataoffsets[0], page.databytecounts[0]
    written = bytearray(path.read_bytes())
    written[start : start + length] = bytes(length)
    path.write_bytes(written)


def _use(url: str) -> None:
    pixels = np.zeros((64, 64), np.uint8)
    pixels[20:40, 20:40] = 200
    image = io.BytesIO()
    Image.fromarray(pixels).save(image, "PNG")
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "image/png"}
    for _ in range(3):
        urlopen(Request(f"{url}/v1/segment", image.getvalue(), headers), timeout=30).close()
        time.sleep(1)


def _answers(url: str) -> bool:
    try:
        with urlopen(Request(url, headers={"Authorization": f"Bearer {TOKEN}"}), timeout=5) as answer:
            return answer.status == 200
    except (URLError, OSError):
        return False


def _lacking(seen: Seen) -> list[str]:
    """Return what is asked for and has not come yet."""
    wanted = {name for expression in _asked_for() for name in metric_names(expression)} - GPU_METRICS
    lacking = sorted(wanted - seen.names())
    counted = seen.series("sum by (step) (ray_graticule_windows_total)")
    steps = {series["metric"]["step"] for series in counted}
    return lacking + sorted(seen.steps().keys() - steps)


def _wait(so: Callable[[], object], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not (answer := so()):
        assert time.monotonic() < deadline, f"{what}: not within {seconds:g} s; {answer}"
        time.sleep(0.5)


def _asked_for() -> list[str]:
    return [expression for panel in panels() for expression in panel.expressions] + [
        alert.expression for alert in alerts()
    ]


def test_windows_done_are_those_of_the_run(seen):
    of_the_run = {name: figures["items"] for name, figures in seen.steps().items()}
    assert of_the_run["segment"] == (SIZE // TILE) ** 2
    assert seen.last("sum by (step) (ray_graticule_windows_total)", "step") == of_the_run


def test_a_frame_counts_once_however_many_tiles_it_has(seen):
    counted = seen.last("sum by (step) (ray_graticule_frames_total)", "step")
    assert {name: counted[name] for name in seen.steps()} == pytest.approx(
        dict.fromkeys(seen.steps(), FRAMES)
    )


def test_movies_are_counted_as_done_or_failed(seen):
    counted = seen.last("sum by (outcome) (ray_graticule_movies_total)", "outcome")
    assert counted == {"done": 1, "failed": 2}


def test_a_movie_that_is_torn_counts_one_error_of_its_step_and_kind(seen):
    [series] = seen.series("sum by (step, kind) (ray_graticule_errors_total)")
    assert series["metric"] == {"step": "ingest", "kind": "InputError"}
    assert float(series["values"][-1][1]) == 1


def test_nothing_waits_after_the_job(seen):
    assert set(seen.last("sum by (step) (ray_graticule_windows_waiting)", "step").values()) == {0.0}


def test_every_target_of_the_configuration_answers(seen):
    targets = seen.ask("targets")["activeTargets"]
    assert {target["labels"]["job"] for target in targets} == {"prometheus", "ray", "endpoint"}
    answered = seen.series("max by (instance) (max_over_time(up[10s]))")
    assert {series["metric"]["instance"]: series["values"][-1][1] for series in answered} == {
        target["labels"]["instance"]: "1" for target in targets
    }
    assert {target["labels"]["cluster"] for target in targets} == {"graticule"}


@pytest.mark.parametrize("panel", panels(), ids=lambda panel: panel.title)
def test_a_panel_asks_for_what_is_there(seen, panel):
    for expression in panel.expressions:
        found = seen.series(expression)
        assert found or metric_names(expression) <= GPU_METRICS, expression


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert.name)
def test_an_alert_asks_for_what_is_there(seen, alert):
    seen.series(alert.expression)
    assert metric_names(alert.expression) - GPU_METRICS <= seen.names()


def test_no_alert_fires_but_those_of_the_broken_movies(seen):
    assert set(seen.last('ALERTS{alertstate="firing"}', "alertname")) == {"StepsFail", "MoviesFail"}


def test_the_endpoint_is_asked_with_its_token_and_not_without(seen):
    endpoint = next(t for t in seen.ask("targets")["activeTargets"] if t["labels"]["job"] == "endpoint")
    with pytest.raises(URLError, match="401"):
        urlopen(endpoint["scrapeUrl"], timeout=10)
