"""What can be known to be wrong before hours of work, or before something is lost."""

import os
from functools import cache

import numpy as np

from graticule import models, tracking
from graticule.core.errors import ConfigError, ExperimentError
from graticule.pipeline.champion import without_alias
from graticule.pipeline.segment import resolved_options
from graticule.pipeline.settings import LinkSettings, SegmentSettings
from graticule.storage import layout
from graticule.storage.experiment import Experiment
from graticule.storage.place import Place


def check_apart(source: str, out: str) -> None:
    """Refuse an experiment that would lie on, around, or among the chunks of its own input.

    A folder of pictures may hold its experiment in a folder.

    Raises:
        ConfigError: If it would.
    """
    movie, experiment = _real(source), _real(out)
    among_chunks = experiment.startswith(f"{movie}/") and Experiment.exists(movie)
    if movie == experiment or movie.startswith(f"{experiment}/") or among_chunks:
        raise ConfigError(f"--out {experiment} would write into the input {movie}; choose another --out")


def check_replaceable(out: str, *, overwrite: bool) -> None:
    """Refuse to write an experiment over what is none.

    Raises:
        ExperimentError: Unless ``overwrite``; and even then if it is a file, or if folders
            that are no Zarr image bear names that an experiment would replace.
    """
    place = Place.at(out)
    if place.is_file():
        raise ExperimentError(f"{out} is a file; choose another --out, or move the file")
    names = place.names()
    if not overwrite:
        raise ExperimentError(
            f"{out} is not empty and holds no graticule experiment; choose another --out, or add --overwrite"
        )
    lost = [name for name in names if layout.belongs(name)]
    if lost and layout.METADATA not in names:
        raise ExperimentError(
            f"{out} is no graticule experiment, and its {lost[0]!r} would be lost; choose another --out"
        )


def _real(path: str) -> str:
    place = Place.at(path)
    return os.path.realpath(place.root) if place.is_local else place.root


def check_segmenter(settings: SegmentSettings, *, pixel_size_nm: float | None) -> None:
    """Refuse a segmenter, option or weights that cannot be, and nanometers without a scale.

    Weights are fetched and loaded once, here.

    Raises:
        ConfigError: In one line, with the known ones.
        InputError: If the weights cannot be had, are damaged, or of another network.
    """

    def blank(start: int, stop: int) -> np.ndarray:
        return np.zeros((stop - start, 64, 64), np.float32)

    settings = without_alias(settings)
    options = resolved_options(settings, blank, 1, pixel_size_nm)
    models.create(settings.segmenter, **options)
    if "weights" in options:
        _check_weights(settings.segmenter, options["weights"], options["weights_sha256"])


@cache  # many movies share one network
def _check_weights(segmenter: str, weights: str, sha256: str) -> None:
    models.check_weights(segmenter, {"weights": weights, "weights_sha256": sha256})


def check_tracker(settings: LinkSettings) -> None:
    """Refuse a tracker or option that is not known.

    Raises:
        ConfigError: In one line, with the known ones.
    """
    tracking.create(settings.tracker, **settings.options)
