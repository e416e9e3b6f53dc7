"""Weights are found wherever they lie, and fetched once."""

import http.server
import threading
from functools import partial
from importlib import import_module
from pathlib import Path

import fsspec
import pytest

from buckets import bucket, s3_server
from graticule.core.errors import ConfigError, InputError
from graticule.io import places
from graticule.models.weights import cache, has_builtin, load_network, locate, resolve, weights_sha256

__all__ = ["bucket", "s3_server"]


@pytest.fixture
def shelf(request):
    """A folder in memory."""
    system = fsspec.filesystem("memory")
    folder = f"/{request.node.name}"
    yield lambda name, content: system.pipe_file(f"{folder}/{name}", content) or f"memory:/{folder}/{name}"
    for path in system.find(folder):
        system.rm(path)


def kept(home: Path) -> list[str]:
    return sorted(path.name for path in (home / "weights").iterdir() if path.is_file())


def test_a_network_without_built_in_weights_says_what_to_give(nothing_shipped):
    with pytest.raises(ConfigError) as caught:
        locate("swin-unet", "builtin")
    assert str(caught.value) == (
        "swin-unet ships no weights in this version; give --weights FILE, URL or models:/name@alias"
    )


def test_a_path_is_taken_as_it_is(tmp_path):
    (tmp_path / "a.pt").write_bytes(b"abc")
    assert locate("swin-unet", str(tmp_path / "a.pt")) == tmp_path / "a.pt"


def test_a_relative_path_becomes_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert resolve("a.pt") == str(tmp_path / "a.pt")


def test_the_users_own_folder_is_meant_by_a_tilde(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert resolve("~/a.pt") == str(tmp_path / "a.pt")


@pytest.mark.parametrize(
    ("weights", "said"),
    [("none.pt", "none.pt: no such weights file"), (".", "is a folder; name the weights file in it")],
)
def test_what_is_no_file_is_named(tmp_path, monkeypatch, weights, said):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=said):
        locate("swin-unet", weights)


@pytest.mark.parametrize("weights", ["", "  "])
def test_a_name_of_nothing_is_refused(weights):
    with pytest.raises(ConfigError, match="give a FILE, URL"):
        resolve(weights)


def test_a_url_is_fetched_once_and_kept_by_what_it_holds(shelf, home):
    url = shelf("a.safetensors", b"abc")
    first = locate("swin-unet", url)
    assert first.name == cache.file_sha256(first) == weights_sha256("swin-unet", url)
    written = first.stat().st_mtime_ns
    assert locate("swin-unet", url).stat().st_mtime_ns == written
    assert kept(home) == [first.name]


def test_a_kept_file_may_be_read_by_whom_any_other_file_may(shelf, home):
    found = locate("swin-unet", shelf("a", b"abc"))
    (home / "plain").touch()
    assert found.stat().st_mode == (home / "plain").stat().st_mode


def test_a_url_that_changes_is_fetched_again(shelf, home):
    old = weights_sha256("swin-unet", shelf("a", b"abc"))
    new = weights_sha256("swin-unet", shelf("a", b"abd"))
    assert kept(home) == sorted([old, new])


def test_a_kept_file_is_not_asked_for_again(shelf):
    url = shelf("a", b"abc")
    digest = weights_sha256("swin-unet", url)
    fsspec.filesystem("memory").rm(url.removeprefix("memory:/"))
    assert locate("swin-unet", url, sha256=digest).read_bytes() == b"abc"
    with pytest.raises(InputError, match="no such file"):
        locate("swin-unet", url)


def test_a_kept_file_that_was_damaged_is_to_be_deleted(shelf, home):
    url = shelf("a", b"abc")
    digest = weights_sha256("swin-unet", url)
    (home / "weights" / digest).write_bytes(b"abd")
    with pytest.raises(InputError, match=f"{digest} is damaged; delete it"):
        load_network("swin-unet", url, sha256=digest)


def test_what_a_digest_says_cannot_lead_out_of_the_cache(shelf, home):
    url = shelf("a", b"abc")
    home.mkdir()
    (home / "secret").write_text("x")
    assert locate("swin-unet", url, sha256="../secret").read_bytes() == b"abc"


def test_a_failed_download_leaves_nothing(home):
    def torn(path):
        path.write_bytes(b"half")
        raise ConnectionError("gone")

    with pytest.raises(Exception, match="gone"):
        cache.keep(torn)
    assert kept(home) == []


@pytest.mark.parametrize("url", ["memory://none/a.pt", "magic://a.pt", "http://127.0.0.1:9/a.pt"])
def test_a_url_that_cannot_be_reached_is_named_in_one_line(url):
    with pytest.raises(InputError) as caught:
        locate("swin-unet", url)
    assert url in str(caught.value)
    assert "\n" not in str(caught.value)


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


def test_weights_are_fetched_over_http_though_a_server_knows_no_parts_of_files(tmp_path, home):
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "a.pt").write_bytes(b"abc" * 1_000_000)
    handler = partial(_Quiet, directory=str(tmp_path / "files"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/a.pt"
        assert locate("swin-unet", url).read_bytes() == b"abc" * 1_000_000
        assert len(list((home / "weights" / "notes").iterdir())) == 1
        server.shutdown()


def test_weights_are_fetched_from_a_bucket_and_again_when_they_change(bucket):
    system, key = places.filesystem(f"{bucket}/nets/a.pt")
    system.pipe_file(key, b"abc")
    first = weights_sha256("swin-unet", f"{bucket}/nets/a.pt")
    assert cache.kept(first).read_bytes() == b"abc"
    system.pipe_file(key, b"abd")
    assert weights_sha256("swin-unet", f"{bucket}/nets/a.pt") != first
    for name, said in (("nets/b.pt", "no such file"), ("nets", "no such file|is a folder")):
        with pytest.raises(InputError, match=said):
            locate("swin-unet", f"{bucket}/{name}")


@pytest.mark.parametrize(
    "address", ["models:/", "models:/x", "models:/x@", "models:/x/latest", "models:/x@a/3", "models:/@a"]
)
def test_an_address_that_is_none_says_how_one_is_written(address):
    with pytest.raises(ConfigError, match=r"write models:/NAME@ALIAS.*or models:/NAME/VERSION"):
        resolve(address)


def test_an_address_where_nothing_was_registered_says_so(home):
    with pytest.raises(ConfigError, match="nothing is registered in sqlite:///"):
        resolve("models:/x@champion")
    assert not (home / "mlflow.db").exists()


def test_shipped_weights_in_parts_are_the_whole_file_again(tmp_path, monkeypatch):
    monkeypatch.setenv("GRATICULE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(import_module("graticule.models.weights.locate"), "BUILTIN_FOLDER", tmp_path)
    whole = bytes(range(256)) * 10
    for part, start in enumerate(range(0, len(whole), 1000)):
        (tmp_path / f"tiny.safetensors.{part}").write_bytes(whole[start : start + 1000])
    assert has_builtin("tiny")
    assert locate("tiny", "builtin").read_bytes() == whole
    assert locate("tiny", "builtin") == locate("tiny", "builtin")
