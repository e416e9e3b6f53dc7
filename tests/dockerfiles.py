"""``infra/Dockerfile``, parsed: stages, and what each does."""

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
FILE = ROOT / "infra" / "Dockerfile"


@dataclass(frozen=True)
class Instruction:
    """One instruction, its lines joined."""

    word: str
    rest: str

    @property
    def listed(self) -> list[str] | None:
        """The words of the exec form; ``None`` in the shell form."""
        return json.loads(self.rest) if self.rest.startswith("[") else None

    @property
    def pairs(self) -> dict[str, str]:
        """Of ENV, LABEL and ARG: the values by name."""
        words = shlex.split(self.rest)
        return {name: value for name, _, value in (word.partition("=") for word in words)}


@dataclass(frozen=True)
class Stage:
    """From one FROM to the next."""

    name: str
    base: str
    instructions: list[Instruction] = field(default_factory=list)

    def all(self, word: str) -> list[Instruction]:
        """Return all instructions of a kind."""
        return [entry for entry in self.instructions if entry.word == word]


@cache
def stages() -> dict[str, Stage]:
    """Return the stages by name, in order."""
    found: dict[str, Stage] = {}
    for entry in _instructions():
        if entry.word == "FROM":
            base, name = re.fullmatch(r"(\S+) AS (\S+)", entry.rest).groups()  # type: ignore[union-attr]
            found[name] = Stage(name, base)
        else:
            list(found.values())[-1].instructions.append(entry)
    return found


def lineage(name: str) -> list[Stage]:
    """Return a stage and those that it is built on, the lowest first."""
    stage = stages()[name]
    return [*(lineage(stage.base) if stage.base in stages() else []), stage]


def environment(name: str) -> dict[str, str]:
    """Return the variables that a container of a stage has."""
    found: dict[str, str] = {}
    for stage in lineage(name):
        for entry in stage.all("ENV"):
            found |= entry.pairs
    return found


def _instructions() -> Iterator[Instruction]:
    lines = [line for line in FILE.read_text().splitlines() if line.strip() and not line.startswith("#")]
    for text in re.sub(r"\\\n", " ", "\n".join(lines)).splitlines():
        word, _, rest = text.partition(" ")
        yield Instruction(word, rest.strip())
