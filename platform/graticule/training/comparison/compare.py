"""Compare segmenters on labelled images: everything from names to a page."""

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from graticule.core.errors import ConfigError
from graticule.core.keyless import keyless
from graticule.core.progress import Listener, Progress, ignore
from graticule.report.comparison.paper import LABELS_FOLLOW_A_THRESHOLD, follows_a_threshold
from graticule.report.comparison.publish import publish
from graticule.report.comparison.values import Comparison, Dataset, Row
from graticule.training.comparison.apart import one_by_one
from graticule.training.comparison.champion import Rule, Verdict, decide
from graticule.training.comparison.entrants import Entrant
from graticule.training.comparison.folder import becoming, check_free
from graticule.training.comparison.gallery import panels
from graticule.training.comparison.history import curves
from graticule.training.comparison.images import ImageSet, image_set
from graticule.training.comparison.kept import Kept
from graticule.training.comparison.measure import Execute, Measured, Work
from graticule.training.comparison.paper import paper_curves
from graticule.training.comparison.result import graphics, machine, troubles
from graticule.training.comparison.summary import rows_of_all, rows_of_set
from graticule.training.examples import Source

log = logging.getLogger(__name__)

POLARITIES = ("dark", "bright", "auto")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a comparison is asked for.

    Attributes:
        made: Images taken of a source that makes them.
        polarity: Told to every segmenter. Sources give images with dark particles, so that it is
            not measured how well polarity is guessed; ``auto`` lets it be guessed.
        threads: Of torch, in each entrant's process.
        rule: How the champion is chosen.
        paper_logs: Folder of the paper's logs; they are read, never copied.
    """

    made: int = 20
    polarity: str = "dark"
    threads: int = field(default_factory=lambda: os.cpu_count() or 1)
    rule: Rule = field(default_factory=Rule)
    paper_logs: Path | None = None

    def __post_init__(self) -> None:
        if self.polarity not in POLARITIES:
            raise ConfigError(f"--polarity {self.polarity!r}: write one of {', '.join(POLARITIES)}")
        if self.made < 1 or self.threads < 1:
            raise ConfigError(f"need images and threads from 1, got {self.made} and {self.threads}")


@dataclass(frozen=True, kw_only=True)
class Compared:
    """What a comparison came to; its files lie in ``out``."""

    out: Path
    comparison: Comparison
    measured: tuple[Measured, ...]
    overall: tuple[Row, ...]
    """Of each entrant, over all data sets."""
    verdict: Verdict

    @property
    def champion(self) -> Entrant | None:
        """The winner."""
        return next((m.entrant for m in self.measured if m.entrant.name == self.verdict.name), None)

    @property
    def troubles(self) -> list[str]:
        """What went wrong, a line per entrant without figures."""
        return troubles(self.measured)


def compare(
    sources: Sequence[Source],
    entrants: Sequence[Entrant],
    out: Path,
    asked: Asked,
    *,
    execute: Execute = one_by_one,
    listen: Listener = ignore,
    overwrite: bool = False,
    then: Callable[[Compared], None] = lambda done: None,
) -> Compared:
    """Measure every entrant on every image, and write page, tables and figures.

    An entrant whose weights cannot be used has its reason in place of figures. Interrupted, the
    same call measures only those that are missing.

    Args:
        sources: Where the labelled images come from; none are changed.
        entrants: Who takes part, see :func:`graticule.training.comparison.entrants.entrants_of`.
        out: Local folder; there whole or not at all.
        asked: How.
        execute: Does the entrants' work; by default in a process of its own each.
        listen: Told of progress.
        overwrite: Replace a comparison that lies there.
        then: Called in the end; if it fails, the same call with ``overwrite`` measures nothing again.

    Raises:
        ConfigError: If the rule's metric is one that no data set has.
        InputError: If an image cannot be read, or a log is none.
        StorageError: If ``out`` holds something, or cannot be written.
    """
    check_free(out, overwrite=overwrite)
    theirs = paper_curves(asked.paper_logs) if asked.paper_logs is not None else []
    ours = curves(entrants)
    sets = tuple(image_set(source, made=asked.made) for source in sources)
    if not sets:
        raise ConfigError("give at least one --data to compare on")
    kept = Kept(out)
    works = [kept.at_home(_work(each, sets, asked)) for each in entrants]
    measured = []
    for count, result in enumerate(_results(works, kept, execute), 1):
        measured.append(result)
        listen(Progress(stage="compare", done=count, total=len(works), unit="segmenters"))
    datasets = [_dataset(n, images, measured, works) for n, images in enumerate(sets)]
    overall = rows_of_all(measured)
    judges = _judges(datasets)
    verdict = decide([data.rows for data in judges], overall, asked.rule)
    comparison = Comparison(
        datasets=datasets,
        overall=overall if len(datasets) > 1 else (),
        rule=asked.rule.text() + _without_say(datasets, judges),
        verdict=verdict.text,
        curves=ours,
        paper_curves=theirs,
        memory="VRAM" if graphics(measured) else "memory",
        machine=machine(measured, threads=asked.threads),
        settings=keyless(_settings(sets, measured, asked)),
        notes=troubles(measured),
    )
    done = Compared(
        out=out, comparison=comparison, measured=tuple(measured), overall=tuple(overall), verdict=verdict
    )
    with becoming(out) as folder:
        publish(comparison, folder, champion=verdict.name)
    then(done)
    kept.remove()
    return done


def _work(entrant: Entrant, sets: tuple[ImageSet, ...], asked: Asked) -> Work:
    return Work(entrant=entrant, sets=sets, polarity=asked.polarity, threads=asked.threads)


def _results(works: Sequence[Work], kept: Kept, execute: Execute) -> Iterator[Measured]:
    """Yield what each work came to, now or before it was interrupted."""
    before = [kept.find(work) for work in works]
    missing = [work for work, known in zip(works, before, strict=True) if known is None]
    if len(missing) < len(works):
        log.info("%d of %d segmenters were measured before", len(works) - len(missing), len(works))
    new = execute(missing) if missing else iter(())
    for work, known in zip(works, before, strict=True):
        if known is None:
            known = next(new)
            kept.keep(work, known)
        yield known


def _judges(datasets: Sequence[Dataset]) -> Sequence[Dataset]:
    """Return the data sets that decide: not those on which a threshold is the truth, if there are others."""
    return [data for data in datasets if not follows_a_threshold(data.name)] or datasets


def _without_say(datasets: Sequence[Dataset], judges: Sequence[Dataset]) -> str:
    names = ", ".join(data.name for data in datasets if data not in judges)
    return f" Without a say, since its labels follow a threshold: {names}." if names else ""


def _dataset(number: int, images: ImageSet, measured: Sequence[Measured], works: Sequence[Work]) -> Dataset:
    keeps = [work.keep for work in works if work.keep is not None]
    return Dataset(
        name=images.name,
        images=len(images.indices),
        parted=sum(images.parted),
        rows=rows_of_set(measured, number),
        panels=panels(images, measured, keeps, number=number),
        notes=[LABELS_FOLLOW_A_THRESHOLD] if follows_a_threshold(images.name) else [],
    )


def _settings(sets: Sequence[ImageSet], measured: Sequence[Measured], asked: Asked) -> dict[str, str]:
    said = {"polarity": asked.polarity, "torch threads": str(asked.threads)}
    for images in sets:
        how = "options fitted once" if images.alike else "options fitted image by image"
        said[images.name] = f"{len(images.indices)} images, {how}, data {images.source.digest()[:16]}"
    for each in measured:
        known = [each.entrant.weights or "no weights"]
        known += [f"sha256 {each.sha256}"] if each.sha256 else []
        known += [f"mode {mode}" for mode in sorted({o["mode"] for o in each.options if "mode" in o})]
        said[each.entrant.name] = ", ".join(known)
    return said
