"""Who is champion: asked of the registry now and then, and changed only once the new one can answer."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Literal

from graticule.core.errors import ConfigError, GraticuleError, UnknownNameError
from graticule.experiments.address import CHAMPION, SEGMENTER
from graticule.experiments.models import Registered, registered
from graticule.models.registry import SEGMENTERS, default_segmenter
from serve.naming import ModelKey
from serve.problems import Problem

log = logging.getLogger(__name__)
_AGAIN_SECONDS = 1.0

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
        raise UnknownNameError("segmenter", chosen, SEGMENTERS)
    return Standing(key=ModelKey(network=chosen))


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """What the registry says.

    ``named`` is ``None`` where the champion stays who it is, for the reason in ``problem``;
    ``versions`` of the registered segmenter are ``None`` where the registry did not answer.
    """

    named: Standing | None = None
    problem: str | None = None
    versions: list[Registered] | None = None


def look(default: Standing) -> Look:
    """Ask the registry who is champion; it may name nobody, and then it is the default."""
    try:
        versions = [entry for entry in registered() if entry.name == SEGMENTER]
    except ConfigError as error:
        return Look(problem=str(error))
    found = next((entry for entry in versions if CHAMPION in entry.aliases), None)
    if found is None:
        return Look(named=default, versions=versions)
    if found.network not in SEGMENTERS:
        said = f"{found.address} is of network {found.network}; known: {', '.join(sorted(SEGMENTERS))}"
        return Look(problem=said, versions=versions)
    return Look(named=Standing(key=key_of_version(found), source="registry"), versions=versions)


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
        self._loaded: ModelKey | None = None
        self._known: Standing | None = None
        self._answered = False
        self._one, self._asked, self._covered = asyncio.Lock(), 0, 0

    @property
    def answers(self) -> bool:
        """Whether the champion is loaded."""
        return self._loaded is not None

    def remind(self, known: Standing) -> None:
        """Be told by others who was champion, for as long as the registry has said nothing here."""
        if not self._answered and known.source == "registry":
            self._known = known

    async def refresh(self) -> Standing:
        """Look at the registry, have a new champion loaded, let it take over.

        All who ask while somebody else's look is under way share the next one.
        """
        self._asked += 1
        turn = self._asked
        async with self._one:
            if self._covered < turn:
                covers = self._asked
                await self._look()
                self._covered = covers
        return self.standing

    async def keep(self) -> None:
        """Look again and again; ends when it is cancelled."""
        while True:
            try:
                await self.refresh()
            except Exception:  # whatever it is, the one before goes on answering
                log.exception("the registry could not be looked at")
            await asyncio.sleep(self._seconds if self.answers else _AGAIN_SECONDS)

    async def _look(self) -> None:
        seen = await asyncio.to_thread(look, self._default)
        if seen.versions is not None:
            self.versions, self._answered, self._known = seen.versions, True, None
        now = seen.named or replace(self._known or self.standing, problem=seen.problem)
        others = [self.standing] if self.answers else []
        now = await self._first_loaded([now, *others, self._default])
        if now.problem and now.problem != self.standing.problem:
            log.warning("champion %s stays: %s", now.key, now.problem)
        self.standing = now

    async def _first_loaded(self, wanted: list[Standing]) -> Standing:
        """Return the first that can answer, with the reason why the first of all cannot."""
        problem, failed = wanted[0].problem, set[ModelKey]()
        for one in wanted:
            if one.key in failed:
                continue
            try:
                await self._take_up(one.key)
            except (GraticuleError, Problem) as error:
                problem = problem if failed else f"{one.key.name} cannot take over: {_said(error)}"
                failed.add(one.key)
                continue
            return replace(one, problem=problem)
        return replace(self.standing, problem=problem)

    async def _take_up(self, key: ModelKey) -> None:
        if key != self._loaded:
            await self._ready(key)
            log.info("the champion is now %s", key)
            self._loaded = key


def _said(error: GraticuleError | Problem) -> str:
    return error.detail if isinstance(error, Problem) else str(error)
