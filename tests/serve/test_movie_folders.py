"""What is deleted stays deleted, whoever is killed and whoever still writes."""

import asyncio
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from serve.movie_folders import MovieFolders, bytes_in

SERVER = """
import time
from serve.movie_folders import MovieFolders
folders = MovieFolders({parent!r}, late_seconds={late})
folder = folders.new("job")
(folder / "movie.tif").write_bytes(b"1")
print(folder, flush=True)
time.sleep(60)
"""


def server(parent: Path, *, late: float = 0.0) -> tuple[psutil.Popen, Path]:
    command = [sys.executable, "-c", SERVER.format(parent=str(parent), late=late)]
    process = psutil.Popen(command, stdout=subprocess.PIPE, text=True)
    return process, Path(process.stdout.readline().strip())


def ended(process: psutil.Popen, children: list[psutil.Process]) -> None:
    """Kill a process as Ray kills a worker: what it has started goes first."""
    for child in children:
        child.kill()
    process.kill()
    process.wait()
    process.stdout.close()


def until(done, seconds: float = 20.0) -> bool:
    end = time.monotonic() + seconds
    while not done() and time.monotonic() < end:
        time.sleep(0.1)
    return bool(done())


def writes(folder: Path, *, seconds: float) -> threading.Thread:
    """Write a file after the other in a folder, made again where it is gone, as a late worker does."""

    def work() -> None:
        end, number = time.monotonic() + seconds, 0
        while time.monotonic() < end:
            number += 1
            try:
                folder.mkdir(parents=True, exist_ok=True)
                (folder / str(number)).write_bytes(b"1")
            except OSError:
                continue

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_a_killed_server_leaves_nothing_though_its_children_die_with_it(tmp_path):
    process, folder = server(tmp_path)
    children = process.children(recursive=True)
    assert folder.is_dir()
    ended(process, children)
    assert until(lambda: not os.listdir(tmp_path))


def test_the_janitor_outlasts_those_who_write_on(tmp_path):
    process, folder = server(tmp_path, late=1.0)
    writer = writes(folder / "experiment", seconds=2)
    ended(process, process.children(recursive=True))
    writer.join()
    assert until(lambda: not os.listdir(tmp_path))


@pytest.mark.parametrize("late", [0.0, 1.0])
def test_a_deleted_folder_is_gone_at_once(tmp_path, late):
    async def work() -> None:
        folders = MovieFolders(str(tmp_path), late_seconds=late)
        folder = folders.new("job")
        (folder / "movie.tif").write_bytes(b"123")
        assert bytes_in(folder) == 3
        await folders.delete(folder)
        assert not os.listdir(folder.parent)
        await folders.close()
        assert not os.listdir(tmp_path)

    asyncio.run(work())


def test_a_deleted_folder_stays_away_though_somebody_writes_on(tmp_path):
    async def work() -> None:
        folders = MovieFolders(str(tmp_path), late_seconds=1.0)
        folder = folders.new("job")
        writer = writes(folder / "experiment", seconds=2)
        await folders.delete(folder)
        await asyncio.to_thread(writer.join)
        assert await asyncio.to_thread(until, lambda: not os.listdir(folder.parent))
        await folders.close()

    asyncio.run(work())
