"""A movie's process knows little, and is heard with care."""

import asyncio
import sys

import pytest

from serve.movie_process import environment, heard
from serve.movie_worker import _few

OURS = {
    "PATH": "/bin",
    "OMP_NUM_THREADS": "1",
    "GRATICULE_HOME": "/home",
    "RAY_ADDRESS": "127.0.0.1:1",
    "GRATICULE_SERVE_TOKEN": "secret",
    "GRATICULE_SERVE_TOKEN_FILE": "/secret",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "MLFLOW_TRACKING_URI": "http://user:secret@registry",
    "https_proxy": "http://user:secret@proxy",
    "DATABASE_PASSWORD": "secret",
}


def test_no_secret_goes_to_a_process_that_needs_none():
    told = environment(OURS, weights="builtin")
    assert sorted(told) == ["GRATICULE_HOME", "OMP_NUM_THREADS", "PATH", "RAY_ADDRESS"]


def test_keys_of_the_registry_go_along_where_weights_come_from_it():
    told = environment(OURS, weights="models:/graticule-segmenter/3")
    assert {"AWS_SECRET_ACCESS_KEY", "MLFLOW_TRACKING_URI", "https_proxy"} < set(told)
    assert not {"GRATICULE_SERVE_TOKEN", "GRATICULE_SERVE_TOKEN_FILE", "DATABASE_PASSWORD"} & set(told)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("print('{\"done\": true}')", {"done": True}),
        ("print('x' * 2**21)", {}),
        ("print('no JSON')", {}),
        ("print('[1]')", {}),
        ("print('{\"cut\":', end='')", {}),
    ],
)
def test_what_makes_no_sense_is_as_nothing(said, told):
    async def ask() -> dict[str, object]:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", said, stdout=asyncio.subprocess.PIPE, limit=2**20
        )
        answer = await heard(process)
        process.kill() if process.returncode is None else None
        await process.wait()
        return answer

    assert asyncio.run(ask()) == told


def test_notes_are_few_and_short_whatever_a_file_says():
    notes = _few([f"{number} {'x' * 10_000}" for number in range(400)])
    assert len(notes) == 21
    assert notes[-1] == "380 more notes are left out"
    assert all(len(note) <= 500 for note in notes)
