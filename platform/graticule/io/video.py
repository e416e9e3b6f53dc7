"""Videos (mp4, mov, avi, mkv) through PyAV: decoded forward, in runs.

Frames are numbered by their time stamps. A decoder stays open between reads, so that runs
read in order never seek.
"""

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import av
import numpy as np
from jaxtyping import Num

from graticule.core.errors import InputError
from graticule.core.movie import Movie
from graticule.io import places
from graticule.io.handle import Handle
from graticule.io.opened import FrameSource, OpenedMovie
from graticule.io.scale import INTERVAL_UNKNOWN
from graticule.io.video_index import VideoIndex, index_video, open_container
from graticule.io.video_pixels import frame_type, to_pixels

T = TypeVar("T")

_NOTE = f"{INTERVAL_UNKNOWN}: a video's rate is for playback; --frame-interval-s sets it"


def open_video(path: str) -> Movie:
    """Open a video as a movie. All packets are walked through once; one frame is decoded.

    Raises:
        InputError: If it is no video, is truncated, or its first frame cannot be decoded.
    """
    with _open(path) as container:
        index = _guarded(path, lambda: index_video(container, path))
    with _open(path) as container:
        codec = container.streams.video[0].codec_context
        if codec.format is None:
            raise InputError(f"{path} holds no pictures that can be decoded; copy or export it again")
        shape = (len(index), codec.height, codec.width)
        dtype = frame_type(codec.format)
    return OpenedMovie(
        name=places.stem(path),
        files=(path,),
        shape=shape,
        dtype=dtype,
        notes=(_NOTE,),
        run_hint=index.key_distance,
        frames=VideoFrames(path, index, shape[1:], dtype),
    )


class VideoFrames(FrameSource):
    """Frames of a video, decoded forward from the key frame before."""

    def __init__(self, path: str, index: VideoIndex, shape: tuple[int, int], dtype: np.dtype) -> None:
        self._path, self._index, self._shape, self._dtype = path, index, shape, dtype
        self._decoder: Handle[_Decoder] = Handle(_Decoder, path, index)

    def read(self, start: int, stop: int) -> Num[np.ndarray, "t y x"]:
        """Return frames [start, stop)."""
        frames = np.empty((stop - start, *self._shape), self._dtype)
        with self._decoder.use() as decoder:
            _guarded(self._path, lambda: self._fill(decoder, frames, start))
        return frames

    def _fill(self, decoder: "_Decoder", frames: Num[np.ndarray, "t y x"], start: int) -> None:
        for number, frame in enumerate(decoder.run(start, len(frames))):
            pixels = to_pixels(frame)
            if pixels.shape != self._shape or pixels.dtype != self._dtype:
                raise InputError(
                    f"{self._path}: frame {start + number} is {pixels.shape} {pixels.dtype} where the"
                    f" first is {self._shape} {self._dtype}; export it in one size"
                )
            frames[number] = pixels


class _Decoder:
    """An open video at some frame."""

    def __init__(self, path: str, index: VideoIndex) -> None:
        self._path, self._index = path, index
        self._container: Any = None
        self._frames: Iterator[tuple[int, Any]] = iter(())
        self._next: int | None = None

    def run(self, start: int, count: int) -> Iterator[Any]:
        """Yield ``count`` decoded frames from number ``start`` on."""
        if self._next is None or not self._near(start):
            self._seek(start)
        expected, stop = start, start + count
        while expected < stop:
            number, frame = next(self._frames, (None, None))
            if number is None:
                raise self._missing(expected)
            self._next = number + 1
            if number < expected:
                continue
            if number > expected:
                raise self._missing(expected)
            expected += 1
            yield frame

    def _near(self, start: int) -> bool:
        # Decoding on is cheaper than a seek as long as no key frame lies between.
        assert self._next is not None
        return self._next <= start and self._index.start_for(start)[0] <= self._next

    def _seek(self, start: int) -> None:
        key, tick = self._index.start_for(start)
        self._frames = self._decoded(key, tick)
        first = next(self._frames, None)
        if first is None or first[0] > start:
            # The container's own idea of where the key frame lies is off: from the beginning.
            self._frames = self._decoded(0, None)
            first = next(self._frames, None)
        if first is None:
            raise self._missing(start)
        self._frames = _with_first(first, self._frames)
        self._next = first[0]

    def _decoded(self, key: int, tick: int | None) -> Iterator[tuple[int, Any]]:
        """Yield numbered frames from ``key`` on; those before it may lack what they refer to."""
        if self._container is not None:
            self._container.close()
        self._container = _open(self._path)
        stream = self._container.streams.video[0]
        stream.thread_type = "AUTO"
        if tick is not None and key > 0:
            self._container.seek(tick, stream=stream, backward=True)
        for frame in self._container.decode(stream):
            number = self._index.number(frame.pts)
            if number is not None and number >= key:
                if frame.is_corrupt:
                    raise InputError(f"{self._path}: frame {number} is damaged; copy or export it again")
                yield number, frame

    def _missing(self, number: int) -> InputError:
        return InputError(
            f"{self._path} is truncated or damaged: frame {number} of {len(self._index)} cannot be decoded;"
            " copy or export it again"
        )


def _with_first(first: tuple[int, Any], rest: Iterator[tuple[int, Any]]) -> Iterator[tuple[int, Any]]:
    yield first
    yield from rest


def _open(path: str) -> Any:
    with places.readable(path):
        return open_container(path, places.open_file(path) if places.is_url(path) else path)


def _guarded(path: str, work: Callable[[], T]) -> T:
    try:
        return work()
    except av.error.FFmpegError as error:
        why = error.strerror
        raise InputError(f"{path} is truncated or damaged ({why}); copy or export it again") from error
