"""The endpoint under load on loopback, against the bare model; clients' CPU counted apart."""

import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx
import imagecodecs
import numpy as np
import psutil

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT)]

CLIENTS = 16
SECONDS = float(os.environ.get("GRATICULE_BENCH_SECONDS", "60"))
KILL_SECONDS = 45.0
REPLICA = "ServeReplica:graticule:Segmenting"
SIZES = (192, 256, 384, 512)
BARE_IMAGES = 8
ASKED = 0.7
START_SECONDS = 300
IMAGE = {"content-type": "image/png", "accept": "image/png"}


@dataclass(frozen=True)
class Answer:
    """What one request came to."""

    began: float
    seconds: float
    status: int
    right: bool


def measure(folder: Path) -> list[str]:
    """Return the section's lines."""
    with_sizes, alike = _images(SIZES, each=2), _images((512,), each=8)
    rows, notes = [], []
    with _endpoint(folder) as server:
        for network, images in (("threshold", with_sizes), ("threshold", alike), ("swin-unet", alike)):
            rows.append(_row(server, network, images, notes))
        notes += ["", _clicks(server[0], alike[0]), "", _killed(server, with_sizes)]
    return [
        f"{CLIENTS} clients, {SECONDS:g} s each, PNG in, PNG labels out; every answer compared with the bare"
        " model's. `served` and `bare` are images/s, the bare model's in batches of"
        f" {BARE_IMAGES}, in one process with as many threads as a replica, of images whose options have been"
        " fitted: `fit` is the time of that, which a served image takes besides. CPU in cores, the clients'"
        " apart.",
        "",
        "| network | images | served | bare | ratio | asked | fit s | p50 s | p99 s | wrong | lost"
        " | server CPU | clients' CPU |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|",
        *rows,
        *notes,
    ]


def _images(sizes: Sequence[int], *, each: int) -> list[np.ndarray]:
    from graticule.synthetic import simulate

    frames = [
        frame.image for size in sizes for frame in simulate("medium", frames=each, size=size, seed=size)
    ]
    return [(frame / frame.max() * 250).astype(np.uint8) for frame in frames]


class _endpoint:  # noqa: N801 - read as a with-statement
    """A running endpoint of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> tuple[str, psutil.Process]:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        command = [sys.executable, "-m", "serve", "--port", str(port), "--model", "threshold"]
        limits = ["--replicas", "1", "--threads", "1", "--set", "waiting=64"]
        environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'platform'}:{ROOT}"}
        log = (self._folder / "serve.log").open("wb")
        self._process = subprocess.Popen(
            [*command, *limits], cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True
        )
        url, until = f"http://127.0.0.1:{port}", time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            try:
                if httpx.get(f"{url}/readyz").status_code == 200:
                    return url, psutil.Process(self._process.pid)
            except httpx.HTTPError:
                time.sleep(0.5)
        raise RuntimeError(f"the endpoint did not start; see {self._folder / 'serve.log'}")

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(60)


def _row(server: tuple[str, psutil.Process], network: str, images: list[np.ndarray], notes: list[str]) -> str:
    expected, bare, fit = _bare(network, images)
    url, process = server
    files = [bytes(imagecodecs.png_encode(image)) for image in images]
    before = _cpu(process)
    began = time.monotonic()
    with ProcessPoolExecutor(2, initializer=os.nice, initargs=(5,)) as pool:
        jobs = [pool.submit(_clients, url, network, files, expected, CLIENTS // 2, n) for n in range(2)]
        parts = [job.result() for job in jobs]
    wall = time.monotonic() - began
    used = (_cpu(process) - before) / wall
    answers = [answer for part, _ in parts for answer in part]
    good = [answer for answer in answers if answer.status == 200]
    times = sorted(answer.seconds for answer in good)
    served = len(good) / wall
    wrong = sum(not answer.right for answer in good)
    lost = len(answers) - len(good)
    statuses = sorted({answer.status for answer in answers} - {200})
    if statuses:
        notes.append(f"\n{network}: statuses beside 200: {', '.join(map(str, statuses))}.")
    sizes = "512" if len({image.shape for image in images}) == 1 else "192 … 512"
    asked = f"{ASKED}" if network == "swin-unet" else "–"
    p50, p99 = statistics.median(times), times[int(0.99 * (len(times) - 1))]
    clients = sum(cpu for _, cpu in parts) / wall
    return (
        f"| {network} | {sizes} | {served:.2f} | {bare:.2f} | {served / bare:.2f} | {asked} | {fit:.2f}"
        f" | {p50:.2f} | {p99:.2f} | {wrong} | {lost} | {used:.2f} | {clients:.2f} |"
    )


def _bare(network: str, images: list[np.ndarray]) -> tuple[list[np.ndarray], float, float]:
    """Return each image's labels, images/s of the model by itself, and seconds of fitting an image."""
    import torch

    from serve.naming import ModelKey
    from serve.networks import Model
    from serve.problems import Problem

    torch.set_num_threads(1)
    model = Model(ModelKey(network=network))
    labels: list[np.ndarray] = []
    seconds = fitting = 0.0
    for start in range(0, len(images), BARE_IMAGES):
        began = time.perf_counter()
        prepared = [model.prepare(image) for image in images[start : start + BARE_IMAGES]]
        fitting += time.perf_counter() - began
        if start == 0:
            model.segment(prepared[:1])
        began = time.perf_counter()
        found = model.segment(prepared)
        seconds += time.perf_counter() - began
        labels += [answer.labels for answer in found if not isinstance(answer, Problem)]
    return labels, len(images) / seconds, fitting / len(images)


def _clicks(url: str, image: np.ndarray) -> str:
    """Return what a first and a second click on an image take."""
    file, seconds = bytes(imagecodecs.png_encode(image)), []
    for x in (100, 200, 300):
        began = time.perf_counter()
        sent = {"files": {"image": ("a.png", file)}, "data": {"prompts": f'{{"points": [[{x}, 200, 1]]}}'}}
        httpx.post(f"{url}/v1/segment", **sent, timeout=120).raise_for_status()
        seconds.append(time.perf_counter() - began)
    first, second = seconds[0], max(seconds[1:])
    return (
        f"Clicks, `efficient-sam-ti`, 512 px: the first {first:.2f} s (the image is embedded), a further one"
        f" {second:.2f} s: {second / first:.3f} of it, at most 0.2 asked."
    )


def _killed(server: tuple[str, psutil.Process], images: list[np.ndarray]) -> str:
    """Return what becomes of requests when the only replica that segments is killed."""
    expected, _, _ = _bare("threshold", images)
    files = [bytes(imagecodecs.png_encode(image)) for image in images]
    url, process = server
    with ProcessPoolExecutor(1) as pool:
        asking = pool.submit(_clients, url, "threshold", files, expected, CLIENTS, 7, KILL_SECONDS)
        time.sleep(KILL_SECONDS / 3)
        [victim] = [
            child
            for child in process.children(recursive=True)
            if any(REPLICA in part for part in child.cmdline())
        ]
        killed = time.monotonic()
        victim.kill()
        answers, _ = asking.result()
    later = [answer for answer in answers if answer.began > killed]
    first = min(a.began + a.seconds for a in later if a.status == 200) - killed
    in_flight = sum(answer.began < killed < answer.began + answer.seconds for answer in answers)
    statuses = [answer.status for answer in answers if answer.status != 200]
    wrong = sum(not answer.right for answer in answers if answer.status == 200)
    return (
        f"The only segmenting replica killed under {CLIENTS} clients: of {len(answers)} requests {in_flight}"
        f" were in flight, {len(statuses)} failed (statuses {sorted(set(statuses)) or 'none'}), {wrong} were"
        f" answered wrongly; the first sent after it was answered {first:.1f} s after it, at most 15 s asked."
    )


def _clients(
    url: str,
    network: str,
    files: list[bytes],
    expected: list[np.ndarray],
    count: int,
    seed: int,
    seconds: float = SECONDS,
) -> tuple[list[Answer], float]:
    """Run some clients in this process; return their answers and the CPU seconds they took."""
    import threading

    answers: list[Answer] = []
    until = time.monotonic() + seconds

    def ask(number: int) -> None:
        draw = np.random.default_rng([seed, number])
        with httpx.Client(base_url=url, timeout=90) as client:
            while time.monotonic() < until:
                image = int(draw.integers(len(files)))
                began = time.monotonic()
                try:
                    told = client.post(
                        "/v1/segment", params={"model": network}, content=files[image], headers=IMAGE
                    )
                except httpx.HTTPError:
                    answers.append(Answer(began, time.monotonic() - began, 0, False))
                    continue
                took = time.monotonic() - began
                right = told.status_code == 200 and np.array_equal(
                    imagecodecs.png_decode(told.content), expected[image]
                )
                answers.append(Answer(began, took, told.status_code, bool(right)))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers, time.process_time()


def _cpu(process: psutil.Process) -> float:
    """Return the CPU seconds of a process and all its children."""
    total = 0.0
    for one in [process, *process.children(recursive=True)]:
        try:
            times = one.cpu_times()
            total += times.user + times.system
        except psutil.Error:
            continue
    return total
