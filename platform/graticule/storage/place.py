"""A root folder or URL, and small files in it that are there whole or not at all.

Arrays go through zarr (:meth:`Place.zarr_store`), small files through fsspec. A local file
is written beside its target and renamed; an object is put in one request.
"""

import os
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

import fsspec
from zarr.abc.store import Store
from zarr.storage import FsspecStore, LocalStore, ObjectStore

from graticule.core.errors import StorageError
from graticule.storage.failures import storage_errors

_S3 = ("s3://", "s3a://")
_OBJECT_STORES = (*_S3, "gs://", "az://", "abfs://")
_TRUE = ("1", "true", "yes")
_SCRATCH = (".tmp", ".partial")


@dataclass(frozen=True, slots=True)
class Place:
    """A local folder (absolute path) or an fsspec URL; pickles as its root alone."""

    root: str

    @classmethod
    def at(cls, root: str) -> "Place":
        """Return the place at a path or URL; a relative path is made absolute."""
        root = root.removeprefix("file://")
        return cls(root.rstrip("/") if "://" in root else os.path.abspath(root))

    @property
    def is_local(self) -> bool:
        """Whether the root is a folder of this machine's file system."""
        return "://" not in self.root

    def path(self, *parts: str) -> str:
        """Return the full path or URL of something below the root."""
        return "/".join((self.root, *(part for part in parts if part)))

    def within(self, relative: str) -> str:
        """Return the full path of a folder to be written into, or of something to be removed.

        Raises:
            StorageError: If a link leads out of the root: an experiment of a stranger could have
                its results written over files that are none of its own.
        """
        full = self.path(relative)
        if self.is_local:
            root, real = os.path.realpath(self.root), os.path.realpath(full)
            if real != root and not real.startswith(os.path.join(root, "")):
                raise StorageError(
                    f"{full} is a link that leads out of {self.root}, to {real}; delete the link"
                )
        return full

    def zarr_store(self) -> Store:
        """Return a zarr store whose keys are relative to the root."""
        if self.is_local:
            return LocalStore(self.root)
        if self.root.startswith(_OBJECT_STORES):
            return ObjectStore(_obstore(self.root))
        return FsspecStore.from_url(self.root)

    def read(self, relative: str) -> bytes | None:
        """Return the bytes of a file, ``None`` where there is none."""
        with storage_errors(self.path(relative)):
            try:
                if self.is_local:
                    with open(self.path(relative), "rb") as file:
                        return file.read()
                content: bytes = self._filesystem().cat_file(self.path(relative))
            except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
                return None
            return content

    def write(self, relative: str, content: bytes) -> None:
        """Write a file whole, replacing one that is there."""
        if self.is_local:
            with self.open(relative, "wb") as file:
                file.write(content)
            return
        with storage_errors(self.root):
            self._filesystem().pipe_file(self.path(relative), content)

    @contextmanager
    def open(self, relative: str, mode: str = "rb") -> Iterator[IO[Any]]:
        """Open a file; a written one appears when the block ends without an error."""
        full = self.path(relative)
        if "w" in mode:
            self.within(relative.rpartition("/")[0])  # a link in the file's place is replaced itself
        with storage_errors(self.root if "w" in mode else full):
            if "w" in mode:
                with _replacing(full, mode) if self.is_local else self._uploading(full, mode) as file:
                    yield file
            elif self.is_local:
                with open(full, mode, encoding=_encoding(mode)) as file:
                    yield file
            else:
                with self._filesystem().open(full, mode, encoding=_encoding(mode)) as file:
                    yield file

    def names(self, relative: str = "") -> list[str]:
        """Return the names directly below a folder, sorted; empty where there is none."""
        with storage_errors(self.path(relative)):
            try:
                if self.is_local:
                    found = os.listdir(self.path(relative))
                else:
                    entries = self._filesystem().ls(self.path(relative), detail=False)
                    found = [entry.rstrip("/").rpartition("/")[2] for entry in entries]
            except (FileNotFoundError, NotADirectoryError):
                return []
        return sorted(name for name in found if name and not name.endswith(_SCRATCH))

    def is_file(self, relative: str = "") -> bool:
        """Return whether a file lies there."""
        with storage_errors(self.path(relative)):
            if self.is_local:
                return os.path.isfile(self.path(relative))
            return bool(self._filesystem().isfile(self.path(relative)))

    def remove(self, relative: str) -> None:
        """Remove a file or a folder with all in it; nothing happens where there is none."""
        self.within(relative)
        with storage_errors(self.path(relative)):
            filesystem = self._filesystem()
            if filesystem.exists(self.path(relative)):
                filesystem.rm(self.path(relative), recursive=True)

    def sweep(self, *, skip: frozenset[str]) -> None:
        """Remove the scratch files that killed writers left; local folders only.

        Args:
            skip: Names of folders not to enter (those with one file per chunk).
        """
        if not self.is_local:
            return
        with storage_errors(self.root):
            for folder, below, files in os.walk(self.root):
                below[:] = [name for name in below if name not in skip]
                for name in files:
                    if name.endswith(_SCRATCH):
                        os.unlink(os.path.join(folder, name))

    @contextmanager
    def _uploading(self, full: str, mode: str) -> Iterator[IO[Any]]:
        # A remote file that is closed by an error would be uploaded with what it has so far.
        with tempfile.TemporaryDirectory() as folder:
            scratch = os.path.join(folder, "upload")
            with open(scratch, mode, encoding=_encoding(mode)) as file:
                yield file
            self._filesystem().put_file(scratch, full)

    def _filesystem(self) -> Any:
        if self.is_local:
            return fsspec.filesystem("file")
        return fsspec.core.url_to_fs(self.root, **connection(self.root))[0]


@contextmanager
def _replacing(full: str, mode: str) -> Iterator[IO[Any]]:
    folder, name = os.path.split(full)
    os.makedirs(folder, exist_ok=True)
    scratch = os.path.join(folder, f".{name}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        with open(scratch, mode, encoding=_encoding(mode)) as file:
            yield file
        os.replace(scratch, full)
    except BaseException:
        if os.path.exists(scratch):
            os.unlink(scratch)
        raise


def _encoding(mode: str) -> str | None:
    return None if "b" in mode else "utf-8"


def connection(url: str) -> dict[str, Any]:
    """Return what fsspec must be told to reach ``url``, from the usual environment."""
    if not url.startswith(_S3):
        return {}
    # The address is named so that fsspec never hands out a connection to another one.
    return {"use_listings_cache": False, "anon": _anonymous(), "endpoint_url": _endpoint()}


def _endpoint() -> str | None:
    return os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or None


def _anonymous() -> bool:
    return os.environ.get("AWS_SKIP_SIGNATURE", "").lower() in _TRUE


def _obstore(root: str) -> Any:
    from obstore.store import from_url

    options: dict[str, Any] = {"retry_config": {"max_retries": 5}}
    if root.startswith(_S3):
        endpoint = _endpoint()
        if endpoint is not None:
            # Servers beside AWS seldom have a host name per bucket, and often no TLS.
            options["endpoint"] = endpoint
            options["virtual_hosted_style_request"] = False
            options["client_options"] = {"allow_http": endpoint.startswith("http://")}
        options["skip_signature"] = _anonymous()
    return from_url(root, **options)
