"""Who is compared: ``threshold`` always, and networks with weights from wherever they lie."""

import logging
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from graticule.core.errors import ConfigError, UnknownNameError
from graticule.core.keyless import without_keys
from graticule.experiments.address import SCHEME, SEGMENTER
from graticule.experiments.models import Registered, registered
from graticule.models.registry import SEGMENTERS, WITHOUT_NETWORK
from graticule.models.weights import has_builtin
from graticule.models.weights.read import read_weights

log = logging.getLogger(__name__)

BASELINE = "threshold"
ALL = "all"
WEIGHTS_FILE, HISTORY_FILE = "weights.safetensors", "history.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Entrant:
    """One row of the comparison.

    Attributes:
        name: As tables call it; no two are alike.
        network: The segmenter's name; ``None`` where nobody says what the weights are of.
        weights: Where they lie; ``None`` without a network.
        history: How they were trained, where that is known: a local ``history.json``.
    """

    name: str
    network: str | None
    weights: str | None = None
    history: Path | None = None

    @property
    def is_registered(self) -> bool:
        """Whether the weights are a version in the registry."""
        return self.weights is not None and self.weights.startswith(SCHEME)


def entrants_of(texts: Sequence[str]) -> list[Entrant]:
    """Return the entrants that ``--models`` names, ``threshold`` first, each once.

    A text is a comma-separated list of ``all`` (what ships and what is registered), a network's
    name (its builtin weights), ``NETWORK=WEIGHTS``, a registered version ``models:/…``, or a
    folder that ``graticule train`` wrote. Whether weights can be loaded is not looked at.

    Raises:
        UnknownNameError: If there is no network of a name.
        ConfigError: If a text is empty, the registry does not answer, or no such version is there.
        InputError: If a folder's weights cannot be read.
    """
    parts = [part.strip() for text in texts for part in text.split(",")]
    if not all(parts):
        raise ConfigError(
            f"--models {','.join(texts)!r} names nothing somewhere; write all, or name[=weights]"
        )
    found = [Entrant(name=BASELINE, network=BASELINE)]
    for part in parts:
        found += [entrant for entrant in _entrants(part) if entrant.network != BASELINE]
    apart = list({(entrant.network, entrant.weights): entrant for entrant in found}.values())
    return _with_names_of_their_own(apart)


def _entrants(text: str) -> Iterator[Entrant]:
    if text == ALL:
        yield from _everyone()
    elif text.startswith(SCHEME):
        yield _version(text)
    elif text in SEGMENTERS:
        yield Entrant(name=f"{text} (builtin)", network=text, weights=_none_for_baseline(text, "builtin"))
    elif "=" in text and not os.path.isdir(text):
        yield _named(text)
    else:
        yield from _folder(text)


def _everyone() -> Iterator[Entrant]:
    before = 0
    for name in sorted(SEGMENTERS):
        if name not in WITHOUT_NETWORK and has_builtin(name):
            before += 1
            yield Entrant(name=f"{name} (builtin)", network=name, weights="builtin")
    for version in registered():
        if version.name == SEGMENTER:
            before += 1
            yield _of_version(version)
    if not before:
        log.warning("--models all: no weights ship and none are registered, so there is only %s", BASELINE)


def _version(uri: str) -> Entrant:
    from graticule.experiments.models import resolve

    pinned = resolve(uri)
    for version in registered():
        if pinned == f"{SCHEME}{version.name}/{version.version}":
            return _of_version(version)
    raise ConfigError(f"{uri} is not registered; see: graticule models")


def _of_version(version: Registered) -> Entrant:
    aliases = "".join(f" @{alias}" for alias in version.aliases)
    return Entrant(
        name=f"{version.network or version.name} (v{version.version}{aliases})",
        network=version.network,
        weights=f"{SCHEME}{version.name}/{version.version}",
    )


def _named(text: str) -> Entrant:
    network, _, weights = text.partition("=")
    if network not in SEGMENTERS or network in WITHOUT_NETWORK or not weights:
        learned = sorted(set(SEGMENTERS) - set(WITHOUT_NETWORK))
        if network in SEGMENTERS:
            raise ConfigError(
                f"--models {text!r} should be NETWORK=WEIGHTS, NETWORK one of {', '.join(learned)}"
            )
        raise UnknownNameError("network", network, learned)
    path = Path(without_keys(weights)).expanduser()
    if path.is_dir():
        return next(_folder(weights, network=network))
    beside = path.with_name(HISTORY_FILE)
    return Entrant(
        name=f"{network} ({path.parent.name if path.name == WEIGHTS_FILE else path.stem})",
        network=network,
        weights=weights,
        history=beside if path.name == WEIGHTS_FILE and beside.is_file() else None,
    )


def _folder(text: str, network: str | None = None) -> Iterator[Entrant]:
    """Yield what ``graticule train`` left in a folder: one network, or a folder for each."""
    folder = Path(text).expanduser()
    if not folder.is_dir():
        known = ", ".join([ALL, *sorted(SEGMENTERS)])
        raise ConfigError(
            f"--models {text!r} is no segmenter and no folder; give {known}, NETWORK=WEIGHTS,"
            " models:/NAME/VERSION, or a folder of graticule train"
        )
    folders = [folder, *sorted(path for path in folder.iterdir() if path.is_dir())]
    trained = [place for place in folders if (place / WEIGHTS_FILE).is_file()]
    if not trained:
        raise ConfigError(
            f"{text} holds no {WEIGHTS_FILE}, nor do its folders; name what graticule train wrote"
        )
    for place in trained:
        found = network or read_weights(place / WEIGHTS_FILE).network
        history = place / HISTORY_FILE
        run = folder.resolve().name
        yield Entrant(
            name=f"{found or 'unknown'} ({run})",
            network=found,
            weights=str((place / WEIGHTS_FILE).resolve()),
            history=history if history.is_file() else None,
        )


def _none_for_baseline(name: str, weights: str) -> str | None:
    return None if name in WITHOUT_NETWORK else weights


def _with_names_of_their_own(entrants: Sequence[Entrant]) -> list[Entrant]:
    """Return the entrants, those whose names would be alike named by where their weights lie."""
    count = Counter(entrant.name for entrant in entrants)
    return [
        entrant
        if count[entrant.name] == 1
        else replace(entrant, name=f"{entrant.network} ({without_keys(str(entrant.weights))})")
        for entrant in entrants
    ]
