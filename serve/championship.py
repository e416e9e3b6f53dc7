"""Who is champion: asked of the registry now and then, and changed only once the new one can answer."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Literal

from graticule.core.errors import ConfigError, GraticuleError
from graticule.experiments.address import CHAMPION, SEGMENTER
from graticule.experiments.models import Registered, registered
from graticule.models.registry import SEGMENTERS, default_segmenter
from serve.naming import ModelKey
from serve.problems import Problem

log = logging.getLogger(__name__)

Ready = Callable[[ModelKey], Awaitable[None]]
"""Has a model loaded, where it will answer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """The champion, where it comes from, and why the registry's is another."""

    key: ModelKey
    source: Literal["registry", "default"] = "default"
    problem: str | None = None


def default_standing(name: str | None) -> Standing:
    """Return who answers where the registry names nobody.

    Args:
        name: Of a segmenter; by default that of every ``graticule`` command.

    Raises:
        UnknownNameError: If there is no such segmenter.
    """
    chosen = name or default_segmenter()
    if chosen not in SEGMENTERS:
        from graticule.core.errors import UnknownNameError

        raise UnknownNameError("segmenter", chosen, SEGMENTERS)
    return Standing(key=ModelKey(network=chosen))


def asked(before: Standing, default: Standing) -> tuple[Standing, list[Registered]]:
    """Return who is champion by the registry, and all versions of the registered segmenter.

    A registry that does not answer changes nothing.
    """
    try:
        versions = [entry for entry in registered() if entry.name == SEGMENTER]
    except ConfigError as error:
        return replace(before, problem=str(error)), []
    found = next((entry for entry in versions if CHAMPION in entry.aliases), None)
    if found is None:
        return default, versions
    if found.network not in SEGMENTERS:
        said = f"{found.address} is of network {found.network}; known: {', '.join(sorted(SEGMENTERS))}"
        return replace(before, problem=said), versions
    return Standing(key=key_of_version(found), source="registry"), versions


def key_of_version(entry: Registered) -> ModelKey:
    """Return the key of a registered version of a known network."""
    return ModelKey(network=str(entry.network), weights=f"models:/{entry.name}/{entry.version}")


class Championship:
    """Keeps the champion.

    Args:
        default: Who answers where the registry names nobody.
        ready: Has a new champion loaded before it takes over.
        seconds: From one look at the registry to the next.
    """

    def __init__(self, default: Standing, ready: Ready, *, seconds: float) -> None:
        self.standing, self.versions = default, list[Registered]()
        self._default, self._ready, self._seconds = default, ready, seconds
        self._one = asyncio.Lock()

    async def refresh(self) -> Standing:
        """Look at the registry, have a new champion loaded, let it take over."""
        async with self._one:
            now, versions = await asyncio.to_thread(asked, self.standing, self._default)
            if versions or now.problem is None:
                self.versions = versions
            if now.key != self.standing.key:
                try:
                    await self._ready(now.key)
                except (GraticuleError, Problem) as error:
                    said = error.detail if isinstance(error, Problem) else str(error)
                    now = replace(self.standing, problem=f"{now.key.name} cannot take over: {said}")
                else:
                    log.info("the champion is now %s", now.key)
            if now.problem and now.problem != self.standing.problem:
                log.warning("champion %s stays: %s", self.standing.key, now.problem)
            self.standing = now
            return now

    async def keep(self) -> None:
        """Look again and again; ends when it is cancelled."""
        while True:
            try:
                await self.refresh()
            except Exception:  # whatever it is, the one before goes on answering
                log.exception("the registry could not be looked at")
            await asyncio.sleep(self._seconds)
