"""The models that can be asked for, and which of them a name means."""

from collections.abc import Iterable, Sequence
from functools import cache

from graticule.core.errors import ConfigError
from graticule.experiments.address import CHAMPION, SEGMENTER
from graticule.experiments.models import Registered
from graticule.experiments.register import SCORE
from graticule.models.catalogue import ModelRow, describe
from graticule.models.registry import SEGMENTERS, WITHOUT_NETWORK
from serve.championship import Standing, key_of_version
from serve.contract import ModelEntry, ModelsAnswer
from serve.naming import ModelKey, is_champion, registered_version_of
from serve.problems import Problem


def listing(standing: Standing, versions: Sequence[Registered]) -> ModelsAnswer:
    """Return all models; those that lack an extra or weights are left out."""
    rows = _rows()
    entries = [_entry(ModelKey(network=name), rows[name], standing) for name in shipped()]
    entries += [
        _entry(key_of_version(version), rows[str(version.network)], standing, _metrics(version))
        for version in _known(versions)
    ]
    return ModelsAnswer(
        champion=standing.key.name,
        champion_from=standing.source,
        champion_problem=standing.problem,
        models=entries,
    )


def chosen_key(name: str | None, standing: Standing, versions: Sequence[Registered]) -> ModelKey:
    """Return the model that a client names.

    Raises:
        Problem: 404 if there is none of that name; lists those there are.
    """
    if is_champion(name):
        return standing.key
    assert name is not None
    if name in shipped():
        return ModelKey(network=name)
    try:
        address = registered_version_of(name)
    except ConfigError as error:
        raise Problem("unknown", str(error)[:300]) from None
    for version in _known(versions) if address is not None and address.name == SEGMENTER else ():
        assert address is not None
        if version.version == address.version or address.alias in version.aliases:
            return key_of_version(version)
    known = [CHAMPION, *shipped(), *(key_of_version(version).name for version in _known(versions))]
    raise Problem("unknown", f"there is no model {name[:80]!r}; known: {', '.join(known)}")


@cache
def shipped() -> tuple[str, ...]:
    """Return the segmenters that answer with the weights that ship; builds each network once to count it."""
    from graticule.models.weights import has_builtin

    return tuple(
        name
        for name in sorted(SEGMENTERS)
        if name in WITHOUT_NETWORK or (has_builtin(name) and _rows()[name].parameters is not None)
    )


@cache
def _rows() -> dict[str, ModelRow]:
    return {row.name: row for row in describe()}


def _known(versions: Iterable[Registered]) -> list[Registered]:
    return [version for version in versions if version.network in SEGMENTERS]


def _metrics(version: Registered) -> dict[str, float]:
    found = {}
    for name, text in version.tags.items():
        if name.startswith(SCORE):
            try:
                found[name.removeprefix(SCORE)] = float(text)
            except ValueError:
                continue
    return {name: value for name, value in found.items() if abs(value) < float("inf")}


def _entry(
    key: ModelKey, row: ModelRow, standing: Standing, metrics: dict[str, float] | None = None
) -> ModelEntry:
    return ModelEntry(
        name=key.name,
        network=key.network,
        weights=key.weights,
        champion=key == standing.key,
        takes_prompts=key.takes_prompts,
        parameters=row.parameters,
        native_px=row.native_px,
        licence=row.licence,
        metrics=metrics or {},
    )
