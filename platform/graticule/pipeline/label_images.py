"""Any movie or folder of images as label images, without an experiment."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from graticule import models
from graticule.core.errors import ConfigError, InputError, StorageError
from graticule.core.movie import Movie
from graticule.core.progress import Listener, Progress
from graticule.io import open_movie
from graticule.io.pictures import read_header
from graticule.io.select import select
from graticule.pipeline.checks import check_segmenter
from graticule.pipeline.segment import fitting_tile, pinned, resolved_options
from graticule.pipeline.settings import SegmentSettings
from graticule.storage.failures import storage_errors
from graticule.tiling import segment_frames

MOST_INSTANCES = 65_535


def segment_to_folder(
    movies: Sequence[Movie],
    out: str,
    settings: SegmentSettings,
    *,
    listener: Listener,
    overwrite: bool = False,
) -> int:
    """Write uint16 label images of every frame into ``out``; return how many.

    ``out/<stem>.png`` where every frame has a file of its own, ``out/frame_000000.png`` …
    otherwise. Options called "auto" are resolved for each movie by itself.

    Args:
        movies: One movie, or stills of different sizes as a movie each.
        out: Local folder.
        settings: How particles are found.
        listener: Told of progress.
        overwrite: Write into a folder that holds other files.

    Raises:
        ConfigError: If two images have the same stem, or the segmenter or its weights cannot be.
        InputError: If a frame has more than 65,535 instances.
        StorageError: If ``out`` holds the images, or files, unless ``overwrite``, or cannot be written.
    """
    if "://" in out:
        raise StorageError(f"{out}: label images are written to a local folder; give a path")
    names = _names(movies)
    for movie in movies[:1]:
        check_segmenter(settings, pixel_size_nm=movie.calibration.pixel_size_nm)
    settings = pinned(settings)
    folder = Path(out)
    if any(Path(file).resolve().parent == folder.resolve() for movie in movies for file in movie.files):
        raise StorageError(f"{out} holds the images themselves; choose another folder for their labels")
    with storage_errors(out):
        if folder.is_dir() and any(folder.iterdir()) and not overwrite:
            raise StorageError(f"{out} is not empty; choose another folder, or add --overwrite")
        folder.mkdir(parents=True, exist_ok=True)
    done = 0
    for movie in movies:
        for labels in _labels(movie, settings):
            _write(labels, folder / names[done], out)
            done += 1
            listener(Progress(stage="segment", done=done, total=len(names)))
    return done


def stills(source: str, *, pixel_size_nm: float | None) -> list[Movie]:
    """Open what is to be segmented: a movie, or a movie for each of pictures of different sizes."""
    movie = open_movie(source)
    pictures = movie.files if len(movie.files) == movie.shape[0] > 1 else ()
    if len({read_header(file).shape for file in pictures}) > 1:
        return [select(open_movie(file), pixel_size_nm=pixel_size_nm) for file in pictures]
    return [select(movie, pixel_size_nm=pixel_size_nm)]


def _names(movies: Sequence[Movie]) -> list[str]:
    frames = sum(movie.shape[0] for movie in movies)
    files = [file for movie in movies for file in movie.files]
    if len(files) != frames or (len(movies) == 1 and frames == 1):
        stems = [PurePosixPath(files[0]).stem] if frames == 1 else [f"frame_{t:06d}" for t in range(frames)]
    else:
        stems = [PurePosixPath(file).stem for file in files]
    twice = [name for name, count in Counter(stems).items() if count > 1]
    if twice:
        raise ConfigError(f"two images are called {twice[0]!r}: their labels would overwrite each other")
    return [f"{name}.png" for name in stems]


def _labels(movie: Movie, settings: SegmentSettings) -> Iterator[np.ndarray]:
    options = resolved_options(settings, movie.read, movie.shape[0], movie.calibration.pixel_size_nm)
    segmenter = models.create(settings.segmenter, **options)
    tile = settings.tile or fitting_tile(segmenter)
    usable = False
    for index in range(movie.shape[0]):
        frame = movie.read(index, index + 1)
        usable = usable or bool(np.isfinite(frame).all())
        labels = segment_frames(segmenter, frame, tile=tile)[0]
        if labels.max() > MOST_INSTANCES:
            raise InputError(
                f"{movie.name}: frame {index} has {labels.max()} instances, a 16-bit image holds"
                f" {MOST_INSTANCES}; raise --min-diameter-px"
            )
        yield labels
    if not usable:
        raise InputError(
            f"{movie.files[0]}: no frame can be segmented: every frame holds NaN; check the movie"
        )


def _write(labels: np.ndarray, path: Path, out: str) -> None:
    partial = path.with_name(f".{path.name}.partial")
    with storage_errors(out):
        Image.fromarray(labels.astype(np.uint16)).save(partial, format="png")
        partial.replace(path)
