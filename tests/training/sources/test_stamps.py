"""What stands for files hangs on their names and content alone."""

import os
from pathlib import Path

import fsspec
import pytest

from buckets import bucket, s3_server
from graticule.core.errors import InputError
from graticule.training.sources.stamps import WHOLE_BYTES, digest_of, stamps_of

__all__ = ["bucket", "s3_server"]

LARGE = WHOLE_BYTES + 12345


def files(folder: Path, **contents: bytes) -> list[str]:
    for name, content in contents.items():
        path = folder / name / "a.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return [str(folder / name / "a.png") for name in contents]


def changed(content: bytes, place: int) -> bytes:
    return content[:place] + b"x" + content[place + 1 :]


def test_a_file_is_named_from_the_folder_that_all_share(tmp_path):
    assert list(stamps_of(files(tmp_path, images=b"1", labels=b"2"))) == ["images/a.png", "labels/a.png"]
    assert list(stamps_of(files(tmp_path, images=b"1"))) == ["a.png"]
    assert stamps_of([]) == {}


def test_a_touched_file_and_a_copied_one_are_the_same(tmp_path):
    here = files(tmp_path / "here", images=b"12", labels=b"34")
    before = stamps_of(here)
    os.utime(here[0], (1, 1))
    assert stamps_of(here) == before
    assert stamps_of(files(tmp_path / "there", images=b"12", labels=b"34")) == before


@pytest.mark.parametrize("place", [0, WHOLE_BYTES // 2, WHOLE_BYTES - 1])
def test_a_byte_changed_anywhere_is_seen(tmp_path, place):
    content = bytes(WHOLE_BYTES)
    before = stamps_of(files(tmp_path, images=content, labels=b"2"))
    after = stamps_of(files(tmp_path, images=changed(content, place), labels=b"2"))
    assert [name for name in before if before[name] != after[name]] == ["images/a.png"]


@pytest.mark.parametrize(
    "content", [changed(bytes(LARGE), 0), changed(bytes(LARGE), LARGE - 1), bytes(LARGE + 1)]
)
def test_of_a_large_file_ends_and_size_are_seen(tmp_path, content):
    assert stamps_of(files(tmp_path, images=bytes(LARGE))) != stamps_of(files(tmp_path, images=content))


def test_of_a_large_file_a_block_in_every_64th_is_read(tmp_path):
    before = stamps_of(files(tmp_path, images=bytes(LARGE)))
    middle = bytearray(LARGE)
    middle[LARGE // 2 : LARGE // 2 + LARGE // 64] = b"x" * (LARGE // 64)
    assert stamps_of(files(tmp_path, images=bytes(middle))) != before


def test_files_in_another_order_are_other_data(tmp_path):
    paths = files(tmp_path, images=b"1", labels=b"2")
    assert digest_of(stamps_of(paths)) != digest_of(stamps_of(paths[::-1]))


def test_a_file_that_is_gone_is_named(tmp_path):
    with pytest.raises(InputError, match=r"nothing\.png: no such file"):
        stamps_of([str(tmp_path / "nothing.png")])


def test_a_remote_file_without_a_checksum_is_known_by_its_size():
    store = fsspec.filesystem("memory")
    paths = [f"memory://stamped/{name}.png" for name in "abc"]
    for path, content in zip(paths, (b"12", b"34", b"5"), strict=True):
        store.pipe_file(path, content)
    try:
        a, b, c = stamps_of(paths).values()
        assert a == b != c
    finally:
        store.rm("/stamped", recursive=True)


@pytest.mark.slow
def test_an_object_in_a_bucket_is_known_by_its_entity_tag(bucket):
    from graticule.io import places

    def put(content: bytes) -> dict[str, str]:
        system, key = places.filesystem(f"{bucket}/set/a.png")
        system.pipe_file(key, content)
        system.invalidate_cache()
        return dict(stamps_of([f"{bucket}/set/a.png"]))

    before = put(b"12")
    assert put(b"12") == before
    assert put(b"34") != before
