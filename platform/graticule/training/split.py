"""What is trained on and what is held out, so that no image is on both sides.

Images stay together that are one source's group, or are alike
(:mod:`graticule.training.sources.likeness`): copies under two names or in two sources, turned,
flipped or saved again, and frames of one sequence. Parts cut out of one image are not known
to belong together.
"""

import hashlib
import logging
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
from jaxtyping import Int
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from graticule.core.errors import ConfigError, InputError
from graticule.training.examples import ENDLESS, Source
from graticule.training.sources.likeness import Print, alike, print_of
from graticule.training.sources.opened import OpenedSource

log = logging.getLogger(__name__)
HELD_FROM = ENDLESS // 2
"""Of an endless source, the examples below are trained on; some from here on are held out."""
HELD_OF_ENDLESS = 16
_THREADS = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Split:
    """Indices by source: of those to train on, and of those to validate on."""

    train: tuple[Sequence[int], ...]
    held: tuple[Sequence[int], ...]


def split(
    sources: Sequence[Source],
    *,
    share: float = 0.15,
    most: int = 64,
    seed: int = 0,
    excluded: Collection[str] = (),
) -> Split:
    """Hold out a share of each source, in whole groups; reads each image once.

    The draw hangs on the names of images and the seed, so adding an image moves few others. A
    source of one group is trained on; only where nothing at all would be held out, the smallest
    group is, and a source can be left with nothing to train on.

    Args:
        sources: To train on.
        share: Of each source's images, about.
        most: Images held out of all finite sources, about: each may hold one.
        seed: Of the draw.
        excluded: Images to be on neither side, nor any of their group, by the names of their files
            with or without the ending.

    Raises:
        ConfigError: If the share is not between 0 and 1.
        InputError: If an image cannot be read, or there is none of a name excluded.
    """
    if not 0 < share < 1:
        raise ConfigError(f"the share held out lies between 0 and 1, got {share}")
    nodes, groups = _admitted(sources, excluded)
    held = _Draw(sources, nodes, groups, share=share, most=most).held(seed)
    has_made = any(_is_endless(source) for source in sources)
    if not held and not has_made and groups.max(initial=0) > 0:
        held = {int(np.bincount(groups).argmin())}
    train: list[list[int]] = [[] for _ in sources]
    kept: list[list[int]] = [[] for _ in sources]
    for (source, index), group in zip(nodes, groups, strict=True):
        (kept if group in held else train)[source].append(index)
    return Split(
        train=tuple(
            range(HELD_FROM) if _is_endless(source) else tuple(part)
            for source, part in zip(sources, train, strict=True)
        ),
        held=tuple(
            _held_of_endless(min(most, HELD_OF_ENDLESS)) if _is_endless(source) else tuple(part)
            for source, part in zip(sources, kept, strict=True)
        ),
    )


def split_with(
    train: Sequence[Source], validation: Sequence[Source], *, excluded: Collection[str] = ()
) -> Split:
    """Train on all of some sources and validate on all of others; reads each image once.

    Images ``excluded``, and what is of their groups, are left out of both.

    Raises:
        InputError: If an image of one is in the other; names both. If there is none of a name excluded.
    """
    sources = [*train, *validation]
    nodes, groups = _admitted(sources, excluded)
    trained = {group: node for node, group in zip(nodes, groups, strict=True) if node[0] < len(train)}
    for node, group in zip(nodes, groups, strict=True):
        if node[0] >= len(train) and group in trained:
            _refuse(sources, trained[group], node)
    parts = [tuple(index for place, index in nodes if place == number) for number in range(len(sources))]
    return Split(
        train=tuple(
            range(HELD_FROM) if _is_endless(source) else part
            for source, part in zip(train, parts[: len(train)], strict=True)
        ),
        held=tuple(
            _held_of_endless(HELD_OF_ENDLESS) if _is_endless(source) else part
            for source, part in zip(validation, parts[len(train) :], strict=True)
        ),
    )


Node = tuple[int, int]
"""A source's place, and the index of one of its examples."""


class _Draw:
    """Chooses the groups to hold out: in the order of their digests, as long as there is room."""

    def __init__(
        self,
        sources: Sequence[Source],
        nodes: Sequence[Node],
        groups: Int[np.ndarray, " n"],
        *,
        share: float,
        most: int,
    ) -> None:
        self.counts = np.zeros((int(groups.max(initial=-1)) + 1, len(sources)), int)
        np.add.at(self.counts, (groups, np.array([source for source, _ in nodes], int)), 1)
        self.totals = self.counts.sum(axis=0)
        wanted = np.maximum(np.rint(share * self.totals), 1)
        self.room = np.maximum(np.floor(wanted * min(1.0, most / max(wanted.sum(), 1))), 1)
        self.names = [""] * len(self.counts)
        for (source, index), group in zip(nodes, groups, strict=True):
            self.names[group] = self.names[group] or PurePosixPath(sources[source].group(index)).name

    def held(self, seed: int) -> set[int]:
        held = np.zeros(len(self.counts), bool)
        order = sorted(
            range(len(held)), key=lambda g: hashlib.sha256(f"{seed} {self.names[g]}".encode()).digest()
        )
        for group in order:
            if (self._with(held, group) <= self.room).all() and self._leaves_some(held, group):
                held[group] = True
        for source in np.flatnonzero(self.counts[held].sum(axis=0) == 0):
            able = [g for g in order if self.counts[g, source] and self._leaves_some(held, g)]
            if able:
                held[min(able, key=lambda g: self.counts[g].sum())] = True
        return set(np.flatnonzero(held).tolist())

    def _with(self, held: np.ndarray, group: int) -> np.ndarray:
        """Return how many examples of each source would be held out."""
        return np.asarray(self.counts[held].sum(axis=0) + self.counts[group])

    def _leaves_some(self, held: np.ndarray, group: int) -> bool:
        touched = self.counts[group] > 0
        return bool((self._with(held, group) < self.totals)[touched].all())


def _admitted(
    sources: Sequence[Source], excluded: Collection[str]
) -> tuple[list[Node], Int[np.ndarray, " n"]]:
    """Return the examples of which no group has one excluded, and the group of each, from 0."""
    nodes = _nodes(sources)
    called = [PurePosixPath(_title(sources, node)) for node in nodes]
    unknown = sorted(set(excluded) - {path.name for path in called} - {path.stem for path in called})
    if unknown:
        raise InputError(
            f"{unknown[0]} is to be excluded, and no image is called so (of {len(excluded)} names"
            f" {len(unknown)} are unknown); mend the list"
        )
    groups = _groups(sources, nodes)
    out = {
        group
        for path, group in zip(called, groups, strict=True)
        if path.name in excluded or path.stem in excluded
    }
    kept = [place for place, group in enumerate(groups) if group not in out]
    renumbered = np.unique(groups[kept], return_inverse=True)[1]
    return [nodes[place] for place in kept], np.asarray(renumbered, int)


def _groups(sources: Sequence[Source], nodes: Sequence[Node]) -> Int[np.ndarray, " n"]:
    """Return the group of each node, numbered from 0: what is linked in any way."""
    if not nodes:
        return np.zeros(0, int)
    prints = _prints(sources, nodes)
    links = [(a, b) for a, b in alike(prints, prints) if a < b]
    first: dict[str, int] = {}
    same = [
        (first.setdefault(sources[source].group(index), place), place)
        for place, (source, index) in enumerate(nodes)
    ]
    _tell(sources, nodes, [link for link in links if same[link[0]][0] != same[link[1]][0]])
    ends = np.array(links + same).T
    graph = coo_array((np.ones(ends.shape[1]), tuple(ends)), shape=(len(nodes), len(nodes)))
    return np.asarray(connected_components(graph, directed=False)[1], int)


def _tell(sources: Sequence[Source], nodes: Sequence[Node], links: Sequence[tuple[int, int]]) -> None:
    if not links:
        return
    one, other = (_title(sources, nodes[place]) for place in links[0])
    count = len({place for link in links for place in link})
    log.info("%d images look like others and stay on one side: %s and %s …", count, one, other)


def _nodes(sources: Sequence[Source]) -> list[Node]:
    finite = [(place, source) for place, source in enumerate(sources) if not _is_endless(source)]
    return [(place, index) for place, source in finite for index in range(len(source))]


def _prints(sources: Sequence[Source], nodes: Sequence[Node]) -> list[Print]:
    def taken(node: Node) -> Print:
        source, index = sources[node[0]], node[1]
        pixels = source.pixels(index) if isinstance(source, OpenedSource) else source.load(index).image
        return print_of(pixels)

    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(taken, nodes))


def _refuse(sources: Sequence[Source], ours: Node, theirs: Node) -> None:
    raise InputError(
        f"{_title(sources, ours)} is trained on and {_title(sources, theirs)} is validated on, and they"
        " are one image, copies, or frames of one sequence; take it out of one of the two"
    )


def _title(sources: Sequence[Source], node: Node) -> str:
    source, index = sources[node[0]], node[1]
    return source.title(index) if isinstance(source, OpenedSource) else f"{source.name} [{index}]"


def _held_of_endless(count: int) -> range:
    return range(HELD_FROM, HELD_FROM + count)


def _is_endless(source: Source) -> bool:
    return len(source) >= ENDLESS
