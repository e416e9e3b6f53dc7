"""Movies come back as results, and nothing of them stays when their time is over."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import h5py
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from endpoint import SMALL
from movies import sintering_tiff
from serve.api import build_api
from serve.contract import JobAnswer, TrackOptions
from serve.inprocess import InProcess
from serve.measures import Measures
from serve.movies import Movies
from serve.naming import ModelKey
from serve.problems import Problem

THRESHOLD = ModelKey(network="threshold")
END_SECONDS = 120


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
    async with asyncio.timeout(END_SECONDS):
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


def test_an_upload_that_names_other_files_is_refused_before_they_are_read(tmp_path):
    (tmp_path / "secret").write_bytes(b"S" * 4096)
    with h5py.File(tmp_path / "a.emd", "w") as file:
        file.create_dataset("data", (64, 64), "u1", external=[(str(tmp_path / "secret"), 0, 4096)])
    content = (tmp_path / "a.emd").read_bytes()

    async def track() -> None:
        movies = Movies(settings(tmp_path))
        with pytest.raises(Problem, match="nothing outside of a file is read") as refused:
            await sent(movies, content, "movie.emd")
        assert refused.value.status == 422
        await movies.close()

    asyncio.run(track())


def test_results_that_fill_the_disk_let_no_movie_in_until_they_go(tmp_path, movie):
    async def track() -> None:
        limits = settings(tmp_path, results_seconds=50)
        movies = Movies(limits.model_copy(update={"jobs_bytes": limits.movie_bytes}))
        job = (await sent(movies, movie)).id
        with pytest.raises(Problem, match="another may need"):
            await movies.begin()
        assert (await ended(movies, job)).status == "done"
        with pytest.raises(Problem, match="another may need") as refused:
            await movies.begin()
        assert refused.value.status == 503
        assert 1 <= int(refused.value.headers["Retry-After"]) <= 50
        await movies.delete(job)
        await movies.begin()
        await movies.close()

    asyncio.run(track())


def test_a_job_whose_results_are_too_large_for_the_disk_fails(tmp_path, movie):
    async def track() -> None:
        movies = Movies(settings(tmp_path, jobs_bytes=len(movie) + 1000))
        told = await ended(movies, (await sent(movies, movie)).id)
        assert told.status == "failed"
        assert f"at most {len(movie) + 1000} are kept" in (told.problem or "")
        assert not files(tmp_path)
        await movies.begin()
        await movies.close()

    asyncio.run(track())


def test_a_movie_of_more_bytes_than_are_kept_free_for_it_is_refused(tmp_path, movie):
    async def track() -> None:
        movies = Movies(settings(tmp_path, jobs_bytes=1000))
        with pytest.raises(Problem, match="more than 1000 bytes") as refused:
            await movies.take(await movies.begin(), movie)
        assert refused.value.status == 413
        await movies.close()

    asyncio.run(track())


def test_a_queued_job_is_kept_until_its_turn_must_have_come(tmp_path, movie):
    async def track() -> None:
        movies = Movies(settings(tmp_path, movies_waiting=3, movie_seconds=100, results_seconds=50))
        queued = await sent(movies, movie)
        kept = (datetime.fromisoformat(queued.expires) - datetime.now(UTC)).total_seconds()
        assert 3 * 100 + 50 <= kept < 500
        await movies.close()

    asyncio.run(track())


def test_a_disk_that_takes_nothing_is_told_as_busy(tmp_path, movie):
    async def track() -> None:
        (tmp_path / "file").write_bytes(b"")
        with pytest.raises(Problem, match="cannot be kept") as refused:
            await Movies(settings(tmp_path, jobs_folder=str(tmp_path / "file" / "jobs"))).begin()
        assert refused.value.status == 503
        movies = Movies(settings(tmp_path))
        job = await movies.begin()
        shutil.rmtree(next((tmp_path / "jobs").glob("*/*")))
        with pytest.raises(Problem, match="cannot be kept") as refused:
            await movies.take(job, movie)
        assert refused.value.status == 503
        with pytest.raises(Problem, match="cannot be kept") as refused:
            await movies.start(job, "movie.tif", THRESHOLD, TrackOptions())
        assert refused.value.status == 503
        await movies.close()

    asyncio.run(track())


def test_a_job_that_cannot_be_followed_fails_and_makes_room(tmp_path, movie, monkeypatch):
    async def nonsense(process) -> dict[str, object]:
        return {"progress": "half way"}

    async def track() -> None:
        movies = Movies(settings(tmp_path, movies_waiting=1))
        job = (await sent(movies, movie)).id
        monkeypatch.setattr("serve.movies.heard", nonsense)
        told = await ended(movies, job)
        assert told.status == "failed"
        assert "send the movie again" in (told.problem or "")
        assert not files(tmp_path)
        await movies.begin()
        await movies.close()

    asyncio.run(track())


def test_a_job_that_is_deleted_while_it_runs_leaves_nothing(tmp_path, movie):
    async def track() -> None:
        movies = Movies(settings(tmp_path))
        job = (await sent(movies, movie)).id
        while (await movies.answer(job)).progress is None:
            await asyncio.sleep(0.05)
        await movies.delete(job)
        assert not list((tmp_path / "jobs").glob("*/*"))
        await movies.close()

    asyncio.run(track())


class Replaced(InProcess):
    """A backend whose keeper is another one by the time that the movie comes."""

    async def movie_bytes(self, job: str, chunk: bytes) -> None:
        await self.delete_job(job)
        await super().movie_bytes(job, chunk)


def test_a_keeper_lost_during_an_upload_is_told_as_such(tmp_path, movie):
    own, measures = settings(tmp_path), Measures()
    backend = Replaced(own, measures)

    @asynccontextmanager
    async def closing(_: FastAPI) -> AsyncIterator[None]:
        yield
        await backend.close()

    with TestClient(build_api(own, backend, token=None, measures=measures, lifespan=closing)) as client:
        answer = client.post("/v1/track", content=movie, headers={"Content-Type": "image/tiff"})
    assert answer.status_code == 502
    assert answer.json()["type"] == "urn:graticule:replica-lost"
