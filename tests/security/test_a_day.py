"""A day's work in small, watched: no file is a pickle, none holds a secret, nobody else can reach it.

Tracking on Ray of a movie and weights with keys in their addresses, training on Ray Train, a registry,
exports, the endpoint: see everyday.py.
"""

import pytest

from .conftest import kept, told
from .pickles import pickles_in

pytestmark = pytest.mark.slow

PROCESSES = ("/ray/", "/multiprocessing/", "/concurrent/futures/", "/graticule/pipeline/on_ray.py")
"""Code that reads pickles which other processes sent: Ray's objects, and those of a pool."""
LOOPBACK = ("127.0.0.1", "::1", "::ffff:127.0.0.1")


def test_no_file_that_a_days_work_leaves_or_deletes_is_a_pickle(day):
    files = [path for path in day.files if "session_" not in str(path)]
    kinds = {path.suffix for path in files}
    assert {".npz", ".parquet", ".safetensors", ".json", ".db", ".tif", ".csv", ".html", ".png"} <= kinds
    assert any("state.safetensors" in path.name for path in files), "no checkpoint was seen"
    assert [place for path in files for place in pickles_in(path)] == []


def test_no_file_is_read_as_a_pickle(day):
    read = [(what, by[0]) for what, by in day.unpickled if not any(part in by[0] for part in PROCESSES)]
    assert day.unpickled, "the processes were not watched"
    assert read == []


def test_a_days_work_with_secrets_leaves_none_on_disk(day):
    assert (day.root / "found.ome.zarr" / "report" / "index.html").is_file()
    assert kept(day.root) == []


def test_a_days_work_with_secrets_says_none(day):
    assert "$ graticule export" in day.output
    assert told(day.output) == []


def test_the_ray_of_a_command_listens_to_this_machine_alone(day):
    assert len(day.listening) > 5, "Ray was not seen to listen at all"
    assert [entry for entry in day.listening if entry[0] not in LOOPBACK] == []
