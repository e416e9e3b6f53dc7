"""What a comparison of trackers is made of, as plain values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from graticule.report.comparison.cells import Column
from graticule.report.comparison.values import Mean

METRICS = {
    "idf1": Column("IDF1"),
    "hota": Column("HOTA"),
    "det_a": Column("DetA"),
    "ass_a": Column("AssA"),
    "tra": Column("TRA", digits=4),
    "det": Column("DET", digits=4),
    "lnk": Column("LNK", digits=4),
    "switches": Column("ID switches", digits=1, less_is_better=True),
    "fragmentations": Column("fragmentations", digits=1, less_is_better=True),
    "merge_precision_1": Column("merge precision, within 1"),
    "merge_recall_1": Column("merge recall, within 1"),
    "merge_f1_1": Column("merge F1, within 1"),
    "merge_precision_4": Column("merge precision, within 4"),
    "merge_recall_4": Column("merge recall, within 4"),
    "merge_f1_4": Column("merge F1, within 4"),
}
"""Metric -> how it is shown, in the order of the table."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One tracker on the movies of one group.

    Attributes:
        name: The tracker's.
        frames_per_s: Of all frames together, reading and scoring left out.
        memory_bytes: That it took above what the process held before.
        means: Over movies, by metric; a metric is missing where no movie has it.
        differences: To the baseline, movie by movie; empty for itself.
        movies: By metric, how many movies have it.
        trouble: Why there are no figures.
    """

    name: str
    frames_per_s: float | None = None
    memory_bytes: int | None = None
    means: Mapping[str, Mean] = field(default_factory=dict)
    differences: Mapping[str, Mean] = field(default_factory=dict)
    movies: Mapping[str, int] = field(default_factory=dict)
    trouble: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """Movies of one kind with one segmentation, and how everyone did on them."""

    data: str
    segmentation: str
    movies: int
    frames: int
    rows: Sequence[Row]

    @property
    def name(self) -> str:
        """Data and segmentation in words."""
        return f"{self.data}, {self.segmentation} instances"


@dataclass(frozen=True, kw_only=True, slots=True)
class TrackerComparison:
    """Everything that the page shows."""

    groups: Sequence[Group]
    baseline: str
    machine: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()
