"""Which frame is where in a video: time stamps of all frames, and where decoding can start.

Made by walking through the packets, without decoding. A frame's number is its place in
the order of time stamps, so that B-frames, edit lists and odd starts do not matter.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import av
import numpy as np
from jaxtyping import Int64

from graticule.core.errors import InputError

# FFmpeg goes by content, whatever the name: a playlist would have it open other files and addresses.
_ONE_FILE = {"format_whitelist": "mov,mp4,m4a,3gp,3g2,mj2,avi,matroska,webm", "protocol_whitelist": "file"}


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class VideoIndex:
    """Time stamps in ticks of the stream, in order; ``keys`` number the frames to start at.

    ``key_ticks`` is where to seek to for each of ``keys``.
    """

    ticks: Int64[np.ndarray, " n"]
    keys: Int64[np.ndarray, " k"]
    key_ticks: Int64[np.ndarray, " k"]

    def __len__(self) -> int:
        return len(self.ticks)

    @property
    def key_distance(self) -> int:
        """Median number of frames from one start of decoding to the next."""
        if len(self.keys) < 2:
            return max(1, len(self))
        return max(1, int(np.median(np.diff(self.keys))))

    def number(self, tick: int | None) -> int | None:
        """Return the frame with exactly this time stamp, ``None`` if there is none."""
        if tick is None:
            return None
        place = int(np.searchsorted(self.ticks, tick))
        return place if place < len(self.ticks) and self.ticks[place] == tick else None

    def start_for(self, frame: int) -> tuple[int, int]:
        """Return the last frame at or before ``frame`` where decoding can start, and its seek tick."""
        place = int(np.searchsorted(self.keys, frame, side="right")) - 1
        return (int(self.keys[place]), int(self.key_ticks[place])) if place >= 0 else (0, int(self.ticks[0]))


def index_video(container: Any, path: str) -> VideoIndex:
    """Walk through the packets of the first video stream.

    Raises:
        InputError: If there is no frame, or fewer than the container states (truncated).
    """
    stream = container.streams.video[0]
    stated, packets, shown, unstamped = stream.frames, 0, [], False
    for packet in container.demux(stream):
        packets += packet.dts is not None or packet.size > 0  # all but the one that flushes
        if packet.is_discard or packet.size == 0:
            continue
        unstamped |= packet.pts is None
        shown.append((packet.pts, packet.dts, packet.is_keyframe, packet.is_corrupt))
    if not shown:
        raise InputError(f"{path} holds no video frames; copy or export it again")
    if packets < stated or any(corrupt for *_, corrupt in shown):
        raise InputError(
            f"{path} is truncated or damaged: {packets} of {stated} frames are there; copy it again"
        )
    if unstamped or len({pts for pts, *_ in shown}) < len(shown):
        return _index_by_decoding(container, path)
    return _index(shown)


def _index(shown: list[tuple[int, int | None, bool, bool]]) -> VideoIndex:
    ticks = np.sort(np.array([pts for pts, *_ in shown], np.int64))
    starts = sorted((pts, pts if dts is None else dts) for pts, dts, is_key, _ in shown if is_key)
    keys = np.searchsorted(ticks, [pts for pts, _ in starts]).astype(np.int64)
    return VideoIndex(ticks=ticks, keys=keys, key_ticks=np.array([dts for _, dts in starts], np.int64))


def _index_by_decoding(container: Any, path: str) -> VideoIndex:
    """Number the frames of a video without proper time stamps (old AVI) by decoding all."""
    container.seek(0)
    stream = container.streams.video[0]
    stream.thread_type = "AUTO"
    found = [(frame.pts, bool(frame.key_frame)) for frame in container.decode(stream)]
    ticks = [tick for tick, _ in found]
    if None in ticks or any(after <= before for before, after in pairwise(ticks)):
        raise InputError(
            f"{path} has no usable time stamps, so frames cannot be numbered; convert it: ffmpeg -i … out.mkv"
        )
    starts = np.array([number for number, (_, is_key) in enumerate(found) if is_key] or [0], np.int64)
    every = np.array(ticks, np.int64)
    return VideoIndex(ticks=every, keys=starts, key_ticks=every[starts])


def open_container(path: str, file: Any) -> Any:
    """Open a video for reading.

    Raises:
        InputError: If it is none, or was cut off before its index was written.
    """
    try:
        container = av.open(file, "r", options=_ONE_FILE)
    except av.error.FFmpegError as error:
        raise InputError(
            f"{path} cannot be opened as a video ({error.strerror}): truncated, still being written,"
            " or no MP4, MOV, AVI or Matroska; copy or export it again"
        ) from error
    if not container.streams.video:
        container.close()
        raise InputError(f"{path} has no video in it, only other streams; give another file")
    return container
