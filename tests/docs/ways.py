"""How the pages' commands are made short enough for a test: all of them run, with less to do.

A command is told by how it begins; of several that fit, the longest counts. Options of ``more`` are put
at its end, where they go before those of the page; ``instead`` changes single words,
``without`` takes some away.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

SWIN = ["--set", 'config={"embed": 4, "depths": [1, 1, 1, 1], "heads": [1, 1, 1, 1]}', "--size", "224"]
DEAOT = ["--size", "49", "--set", "clips.frames=2"]
LITTLE = [
    *("--epochs", "1"),
    *("--steps", "1"),
    *("--batch", "2"),
    *("--validated", "1"),
    *("--start", "random"),
    *("--set", "warmup=0"),
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Way:
    """How a command is changed."""

    more: Sequence[str] = ()
    instead: Mapping[str, str] = field(default_factory=dict)
    without: Sequence[str] = ()

    def changed(self, words: Sequence[str]) -> list[str]:
        """Return the command as it is run."""
        kept = [self._part_by_part(word) for word in words if word not in self.without]
        return [*kept, *self.more]

    def _part_by_part(self, word: str) -> str:
        return ",".join(self.instead.get(part, part) for part in word.split(","))


NO_NETWORK = {"all": "threshold"}
"""All of them take minutes: in comparisons, and in trainings, where one stands for the four."""
ONE_WORKER = ["--workers", "1"]
ONE_OF_EACH = {"all": "swin-unet", "2": "1", "4": "1"}
"""Networks and workers."""

WAYS: dict[str, Way] = {
    "graticule": Way(),
    "graticule simulate": Way(more=["--frames", "4", "--size", "128"]),
    "graticule train": Way(more=[*LITTLE, *SWIN, "--model", "swin-unet"]),
    "graticule train --model deaot-t": Way(more=[*LITTLE, *DEAOT]),
    "graticule track": Way(more=ONE_WORKER),
    "graticule compare": Way(more=["--images", "1"], instead=NO_NETWORK),
    "graticule compare-trackers": Way(
        more=["--frames", "3", "--size", "96", "--seeds", "1", "--trackers", "overlap", "--no-mlflow"]
    ),
    "python jobs/track_dataset.py": Way(more=ONE_WORKER),
    "python jobs/train_segmenter.py": Way(more=[*LITTLE, *SWIN], instead=ONE_OF_EACH, without=["--use-gpu"]),
    "python jobs/train_tracker.py": Way(more=[*LITTLE, *DEAOT], instead=ONE_OF_EACH, without=["--use-gpu"]),
    "python jobs/compare_models.py": Way(more=["--images", "1", *ONE_WORKER], instead=NO_NETWORK),
    "python jobs/compare_trackers.py": Way(
        more=["--frames", "3", "--size", "96", "--seeds", "1", "--no-mlflow"], instead={"all": "overlap"}
    ),
}


ONCE = (
    "graticule compare-trackers",
    "graticule mlflow",
    "graticule track movie.mrc --out movie.ome.zarr --segmenter champion",
    "ray job submit",
)
"""Several pages have the very same command: it is run for the first of them.

What a job makes lies beneath /data, which is the same for all pages; on what the others leave no page builds.
"""


def is_once(words: Sequence[str]) -> bool:
    """Whether a command is run for one page of those that have it."""
    return " ".join(words).startswith(ONCE)


def shortened(words: Sequence[str]) -> list[str]:
    """Return a command as it is run; one that begins like none of :data:`WAYS` is refused."""
    said = " ".join(words)
    fitting = [begin for begin in WAYS if said == begin or said.startswith(f"{begin} ")]
    if not fitting:
        raise LookupError(f"no way is known to run {said!r}; add one to tests/docs/ways.py")
    return WAYS[max(fitting, key=len)].changed(words)
