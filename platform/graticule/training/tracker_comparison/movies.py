"""Movies whose truth is known: experiments with their tables, or simulated ones.

A movie is read in runs of frames, never whole; what is simulated waits in a scratch folder.
"""

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import final

import numpy as np
from jaxtyping import Num, UInt32

from graticule.core.errors import ConfigError, InputError
from graticule.core.lineage import Event
from graticule.evaluation.events import events_of
from graticule.storage import layout
from graticule.storage.experiment import Experiment
from graticule.synthetic import simulate
from graticule.synthetic.presets import find_preset
from graticule.training.sources.kinds import SYNTHETIC
from graticule.training.sources.stamps import digest_of, stamps_of_experiment

_TRUTH = ("simulate-", "link-")
"""How the names of runs begin that write tracks and events."""


class TruthMovie(ABC):
    """A movie with true instances, identities and events; pickles small."""

    data: str
    """What the user named; movies of one name are one group."""
    name: str
    pixel_size_nm: float | None = None

    @property
    @abstractmethod
    def shape(self) -> tuple[int, int, int]:
        """Frames, height, width."""

    @abstractmethod
    def images(self, start: int, stop: int) -> Num[np.ndarray, "t y x"]:
        """Return frames [start, stop)."""

    @abstractmethod
    def instances(self, start: int, stop: int) -> UInt32[np.ndarray, "t y x"]:
        """Return the true instances of frames [start, stop)."""

    @abstractmethod
    def tracks(self, start: int, stop: int) -> UInt32[np.ndarray, "t y x"]:
        """Return the true track ids of frames [start, stop)."""

    @abstractmethod
    def events(self) -> tuple[Event, ...]:
        """Return the true events; frames count within the movie."""

    @abstractmethod
    def digest(self) -> str:
        """Return what stands for all of it."""


@final
class ExperimentMovie(TruthMovie):
    """An experiment that is taken for the truth: simulated, or linked and put right."""

    def __init__(self, data: str, experiment: Experiment) -> None:
        self.data, self.name, self.experiment = data, experiment.root, experiment
        self.pixel_size_nm = experiment.calibration.pixel_size_nm

    @property
    def shape(self) -> tuple[int, int, int]:
        """Frames, height, width."""
        return self.experiment.shape

    def images(self, start: int, stop: int) -> Num[np.ndarray, "t y x"]:
        """Return frames [start, stop)."""
        return np.asarray(self.experiment.read_image(start, stop))

    def instances(self, start: int, stop: int) -> UInt32[np.ndarray, "t y x"]:
        """Return the true instances of frames [start, stop)."""
        return np.asarray(self.experiment.read_labels("instances", start, stop))

    def tracks(self, start: int, stop: int) -> UInt32[np.ndarray, "t y x"]:
        """Return the true track ids of frames [start, stop)."""
        return np.asarray(self.experiment.read_labels("tracks", start, stop))

    def events(self) -> tuple[Event, ...]:
        """Return the true events."""
        index = {self.experiment.source_frame(t): t for t in range(self.shape[0])}
        told = events_of(self.experiment.read_table("events").to_pylist())
        return tuple(replace(event, frame=index[event.frame]) for event in told if event.frame in index)

    def digest(self) -> str:
        """Return a digest of the attributes, and of the labels' files (:mod:`..sources.stamps`)."""
        return digest_of(stamps_of_experiment(self.experiment, layout.TRACKS))


@final
@dataclass(frozen=True, kw_only=True)
class SimulatedMovie(TruthMovie):
    """A simulated movie, made once into a folder by :meth:`make`."""

    data: str
    preset: str
    frames: int
    size: int
    seed: int
    folder: Path

    @property
    def name(self) -> str:  # type: ignore[override]
        """Preset and seed."""
        return f"{self.preset}, seed {self.seed}"

    @property
    def shape(self) -> tuple[int, int, int]:
        """Frames, height, width."""
        return self.frames, self.size, self.size

    @property
    def _place(self) -> Path:
        return self.folder / f"{self.preset}-{self.seed}"

    def make(self) -> None:
        """Simulate it frame by frame, unless it is there."""
        if (self._place / "events.json").is_file():
            return
        self._place.mkdir(parents=True, exist_ok=True)
        movie = simulate(self.preset, frames=self.frames, size=self.size, seed=self.seed)
        stacks = {
            name: np.lib.format.open_memmap(self._place / f"{name}.npy", "w+", kind, self.shape)
            for name, kind in (("images", np.uint16), ("instances", np.uint32), ("tracks", np.uint32))
        }
        for t, frame in enumerate(movie):
            names = np.concatenate([[0], frame.tracks]).astype(np.uint32)
            stacks["images"][t], stacks["instances"][t] = frame.image, frame.labels
            stacks["tracks"][t] = names[frame.labels]
        told = [asdict(event) for event in movie.lineage().events]
        (self._place / "events.json").write_text(json.dumps(told), "utf-8")

    def images(self, start: int, stop: int) -> Num[np.ndarray, "t y x"]:
        """Return frames [start, stop)."""
        return self._read("images", start, stop)

    def instances(self, start: int, stop: int) -> UInt32[np.ndarray, "t y x"]:
        """Return the true instances of frames [start, stop)."""
        return self._read("instances", start, stop)

    def tracks(self, start: int, stop: int) -> UInt32[np.ndarray, "t y x"]:
        """Return the true track ids of frames [start, stop)."""
        return self._read("tracks", start, stop)

    def events(self) -> tuple[Event, ...]:
        """Return the true events."""
        return events_of(json.loads((self._place / "events.json").read_text("utf-8")))

    def digest(self) -> str:
        """Return a digest of what it is made from."""
        made_of = [repr(find_preset(self.preset)), self.frames, self.size, self.seed]
        return hashlib.sha256(json.dumps(made_of).encode()).hexdigest()

    def _read(self, name: str, start: int, stop: int) -> np.ndarray:
        return _copied(self._place / f"{name}.npy", start, stop)


def _copied(stack: Path, start: int, stop: int) -> np.ndarray:
    """Return frames of a stack; it is not kept open, since its pages would count as a tracker's memory."""
    frames = np.load(stack, mmap_mode="r", allow_pickle=False)  # noqa: TID251
    return np.array(frames[start:stop])


@dataclass(frozen=True, kw_only=True)
class Making:
    """How simulated movies are made."""

    frames: int = 100
    size: int = 512
    seeds: tuple[int, ...] = (101, 102, 103)

    def __post_init__(self) -> None:
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise ConfigError(f"--seeds are numbers, each once, got {', '.join(map(str, self.seeds))}")


def open_movies(text: str, making: Making, folder: Path) -> list[TruthMovie]:
    """Return the movies that ``--data`` names.

    Args:
        text: An experiment, or ``synthetic:PRESET``.
        making: How simulated ones are made.
        folder: Where simulated ones will wait.

    Raises:
        UnknownNameError: If there is no such preset.
        ConfigError: If frames, size or a seed cannot be.
        InputError: If an experiment has no finished tracks.
        ExperimentError: If there is no experiment, or another version wrote it.
    """
    if text.startswith(SYNTHETIC):
        return list(_simulated(text, making, folder))
    experiment = Experiment.open(text)
    writers = [name for name in experiment.runs() if name.startswith(_TRUTH)]
    if not any(experiment.run(name).finished for name in writers):
        raise InputError(
            f"{text} has no finished tracks to be taken for the truth; make one with graticule simulate, or"
            " give synthetic:PRESET"
        )
    return [ExperimentMovie(text, experiment)]


def _simulated(text: str, making: Making, folder: Path) -> Iterator[SimulatedMovie]:
    for preset in text.removeprefix(SYNTHETIC).split(","):
        for seed in making.seeds:
            simulate(
                preset.strip(), frames=making.frames, size=making.size, seed=seed
            )  # refuses what cannot be
            yield SimulatedMovie(
                data=f"{SYNTHETIC}{preset.strip()}",
                preset=preset.strip(),
                frames=making.frames,
                size=making.size,
                seed=seed,
                folder=folder,
            )


@dataclass(frozen=True, kw_only=True)
class Segmented:
    """A movie with one segmentation of it; ``labels`` is a stack of instances, ``None`` for the truth's."""

    movie: TruthMovie
    segmentation: str
    labels: Path | None = None

    @property
    def group(self) -> tuple[str, str]:
        """Data and segmentation: what is averaged over."""
        return self.movie.data, self.segmentation

    def instances(self, start: int, stop: int) -> UInt32[np.ndarray, "t y x"]:
        """Return what trackers are given of frames [start, stop)."""
        if self.labels is None:
            return self.movie.instances(start, stop)
        return _copied(self.labels, start, stop)


def groups_of(movies: Sequence[Segmented]) -> list[tuple[str, str]]:
    """Return the groups in the order of their first movies."""
    return list(dict.fromkeys(each.group for each in movies))
