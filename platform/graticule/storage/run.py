"""One execution: its configuration, the results of finished windows, its end.

A window's mark is its small result, written after its pixels: what is marked is done.
"""

import io
import json
import re
import zipfile
from collections.abc import Iterable, Mapping
from typing import Any, final

import numpy as np

from graticule.core.errors import ExperimentError
from graticule.core.keyless import keyless
from graticule.storage import layout
from graticule.storage.place import Place

_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_SUFFIX = ".npz"


@final
class Run:
    """The folder of one run; pickles as a path."""

    def __init__(self, place: Place, run_id: str) -> None:
        self.place = place
        self.run_id = _checked(run_id)
        self._folder = layout.run(run_id)

    def start(self, config: Mapping[str, Any], environment: Mapping[str, Any]) -> None:
        """Write configuration and environment, once; on a started run only compare.

        Raises:
            ExperimentError: If the run was started with another configuration.
        """
        plain = json.loads(_json(config))
        known = self.config
        if known is None:
            self.place.write(f"{self._folder}/{layout.ENVIRONMENT}", _json(environment))
            self.place.write(f"{self._folder}/{layout.CONFIG}", _json(config))
        elif known != plain:
            changed = sorted(k for k in known.keys() | plain.keys() if known.get(k) != plain.get(k))
            raise ExperimentError(
                f"{self.place.path(self._folder)}: started with another configuration "
                f"(differs in {', '.join(changed)}); use --overwrite or another --out"
            )

    @property
    def config(self) -> dict[str, Any] | None:
        """Configuration of a started run, else ``None``."""
        return self._document(layout.CONFIG)

    @property
    def environment(self) -> dict[str, Any] | None:
        """Versions and machine of a started run, else ``None``."""
        return self._document(layout.ENVIRONMENT)

    @property
    def summary(self) -> dict[str, Any] | None:
        """What :meth:`finish` was given, ``None`` while the run is unfinished."""
        return self._document(layout.DONE)

    @property
    def finished(self) -> bool:
        """Whether the run came to its end."""
        return self.summary is not None

    def finish(self, summary: Mapping[str, Any]) -> None:
        """Mark the run as finished."""
        self.place.write(f"{self._folder}/{layout.DONE}", _json(summary))

    def mark(self, key: str, result: Mapping[str, np.ndarray]) -> None:
        """Keep a window's result, after its pixels were written: the window is done."""
        self.place.write(self._mark(key), _packed(result))

    def marked(self) -> set[str]:
        """Return the keys of all finished windows, from one listing."""
        names = self.place.names(f"{self._folder}/{layout.MARKS}")
        return {name.removesuffix(_SUFFIX) for name in names if name.endswith(_SUFFIX)}

    def drop(self, keys: Iterable[str]) -> None:
        """Forget the results of windows that a later step has made use of."""
        for key in keys:
            self.place.remove(self._mark(key))

    def result(self, key: str) -> dict[str, np.ndarray]:
        """Return a finished window's result.

        Raises:
            KeyError: If the window is not marked.
        """
        content = self.place.read(self._mark(key))
        if content is None:
            raise KeyError(key)
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:  # noqa: TID251
            return {name: arrays[name] for name in arrays.files}

    def _mark(self, key: str) -> str:
        return f"{self._folder}/{layout.MARKS}/{_checked(key)}{_SUFFIX}"

    def _document(self, name: str) -> dict[str, Any] | None:
        content = self.place.read(f"{self._folder}/{name}")
        if content is None:
            return None
        document: dict[str, Any] = json.loads(content)
        return document


def _checked(key: str) -> str:
    if not _KEY.fullmatch(key):
        raise ValueError(f"{key!r} cannot name a file: use letters, digits and . _ -")
    return key


def _json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(keyless(document), indent=2, sort_keys=True).encode()


def _packed(arrays: Mapping[str, np.ndarray]) -> bytes:
    # As np.savez writes it, but never with pickle, and with any name.
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        for name, values in arrays.items():
            content = io.BytesIO()
            np.lib.format.write_array(content, np.asanyarray(values), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), content.getvalue())
    return sink.getvalue()
