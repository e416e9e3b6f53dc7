"""Movies come back as results, and nothing of them stays when their time is over."""

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import pytest

from endpoint import SMALL
from movies import sintering_tiff
from serve import janitor
from serve.contract import JobAnswer, TrackOptions
from serve.movies import Movies
from serve.naming import ModelKey
from serve.problems import Problem

THRESHOLD = ModelKey(network="threshold")


@pytest.fixture
def movie(tmp_path) -> bytes:
    return sintering_tiff(tmp_path / "m.tif", frames=4, size=64).read_bytes()


def settings(folder: Path, **others):
    return SMALL.model_copy(update={"jobs_folder": str(folder / "jobs"), **others})


async def sent(movies: Movies, content: bytes, name: str = "movie.tif") -> JobAnswer:
    job = await movies.begin()
    await movies.take(job, content)
    return await movies.start(job, name, THRESHOLD, TrackOptions())


async def ended(movies: Movies, job: str) -> JobAnswer:
    while (answer := await movies.answer(job)).status in ("queued", "running"):
        await asyncio.sleep(0.2)
    return answer


def files(folder: Path) -> list[Path]:
    return [path for path in (folder / "jobs").rglob("*") if path.is_file()]


def test_a_movie_leaves_its_results_alone_and_then_nothing(tmp_path, movie):
    async def track() -> None:
        movies = Movies(settings(tmp_path))
        queued = await sent(movies, movie)
        assert (queued.frames, queued.height, queued.width) == (4, 64, 64)
        done = await ended(movies, queued.id)
        assert done.status == "done", done.problem
        assert {path.parent.name for path in files(tmp_path)} == {"results"}
        assert {path.name for path in files(tmp_path)} == {result.name for result in done.results}
        await movies.close()

    asyncio.run(track())
    assert not list((tmp_path / "jobs").iterdir())


def test_results_go_when_their_time_is_over(tmp_path, movie):
    async def track() -> None:
        movies = Movies(settings(tmp_path, results_seconds=0.5))
        job = (await sent(movies, movie)).id
        await ended(movies, job)
        await asyncio.sleep(3)
        with pytest.raises(Problem, match="time is over"):
            await movies.answer(job)
        assert not files(tmp_path)
        await movies.close()

    asyncio.run(track())


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (b"no movie at all", "movie.mp4", "movie"),
        (b"II*\0", "movie.tif", "no TIFF file"),
        (b"II*\0\xff\xff\0\0", "movie.tif", "truncated"),
        (b"\0" * 4096, "movie.mrc", "movie"),
    ],
)
def test_what_is_no_movie_is_refused_at_once(tmp_path, content, name, said):
    async def track() -> None:
        movies = Movies(settings(tmp_path))
        with pytest.raises(Problem, match=said) as refused:
            await sent(movies, content, name)
        assert refused.value.status == 422
        assert str(tmp_path) not in refused.value.detail
        await movies.close()

    asyncio.run(track())


def test_a_movie_that_is_too_long_is_refused_with_both_numbers(tmp_path, movie):
    async def track() -> None:
        movies = Movies(settings(tmp_path, movie_frames=3))
        with pytest.raises(Problem, match="4 frames of 64 x 64 pixels, at most 3"):
            await sent(movies, movie)
        await movies.close()

    asyncio.run(track())


def test_a_job_that_takes_too_long_is_ended(tmp_path, movie):
    async def track() -> None:
        movies = Movies(settings(tmp_path, movie_seconds=0.1))
        told = await ended(movies, (await sent(movies, movie)).id)
        assert told.status == "failed"
        assert "more than 0.1 s" in (told.problem or "")
        assert not files(tmp_path)
        await movies.close()

    asyncio.run(track())


def test_more_movies_than_can_wait_are_told_to_come_again(tmp_path):
    async def track() -> None:
        movies = Movies(settings(tmp_path, movies_waiting=1))
        await movies.begin()
        with pytest.raises(Problem, match="1 movies wait") as refused:
            await movies.begin()
        assert refused.value.headers["Retry-After"]
        await movies.close()

    asyncio.run(track())


def test_the_janitor_deletes_what_a_killed_server_left(tmp_path):
    left = tmp_path / "left"
    (left / "job").mkdir(parents=True)
    (left / "job" / "movie.tif").write_bytes(b"1")
    code = (
        "import subprocess, sys, time\n"
        f"command = [sys.executable, '-I', {janitor.__file__!r}, {str(left)!r}]\n"
        "subprocess.Popen(command, stdin=subprocess.PIPE)\n"
        "time.sleep(60)"
    )
    server = subprocess.Popen([sys.executable, "-c", code])
    time.sleep(1)
    assert left.is_dir()
    server.kill()
    server.wait()
    until = time.monotonic() + 20
    while left.exists() and time.monotonic() < until:
        time.sleep(0.1)
    assert not left.exists()
