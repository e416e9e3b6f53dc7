"""The overlay movie: every particle outlined in its track's colour, merges flashing.

Frames are drawn and encoded one by one; memory does not grow with the movie.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import UInt8, UInt32
from PIL import Image, ImageDraw

from graticule.core.progress import Listener, Progress
from graticule.report.findings import Findings
from graticule.report.palette import colours_of
from graticule.report.pen import draw_scale_bar, font, painted, plate, ring, write
from graticule.report.video import write_movie
from graticule.report.view import View

MOST_FRAMES = 1500
_TRAIL = 12
_TRAILS_UP_TO = 150
_FLASH_S = 0.8


@dataclass(frozen=True, kw_only=True, slots=True)
class Playback:
    """Which frames the movie shows (every ``stride``-th of ``frames``) and how fast."""

    frames: int
    stride: int
    fps: int

    @property
    def places(self) -> range:
        """Frames of the experiment that are shown."""
        return range(0, self.frames, self.stride)

    def seconds(self, place: int) -> float:
        """Return when, in the movie, a frame of the experiment is (about to be) shown."""
        return (-(-place // self.stride) + 0.5) / self.fps


def playback_of(frames: int) -> Playback:
    """Show at most 1,500 frames, a short movie slowly enough to follow (2 … 25 per second)."""
    stride = -(-frames // MOST_FRAMES)
    return Playback(frames=frames, stride=stride, fps=int(np.clip(frames // stride // 8, 2, 25)))


def write_overlay(findings: Findings, view: View, relative: str, *, listener: Listener) -> Playback:
    """Draw and encode the overlay movie; return what it shows."""
    playback = playback_of(len(findings.time))
    height, width = (-(-edge // 2**view.level) * view.zoom for edge in findings.experiment.shape[1:])
    frames = _drawn(findings, view, playback, listener)
    write_movie(findings.experiment, relative, frames, size=(height, width), fps=playback.fps)
    return playback


def _drawn(
    findings: Findings, view: View, playback: Playback, listener: Listener
) -> Iterator[UInt8[np.ndarray, "y x 3"]]:
    artist = _Artist(findings, view, playback)
    for done, (place, grey, labels) in enumerate(view.frames(playback.places), 1):
        yield artist.draw(place, grey, labels)
        listener(Progress(stage="report", done=done, total=len(playback.places)))


def roomy_names(
    findings: Findings, view: View, place: int, *, size: int
) -> list[tuple[str, tuple[float, float]]]:
    """Return id and canvas centre (x, y) of the bodies wide enough to hold their id."""
    rows, digit = findings.rows(place), font(size).getlength("0")
    track, y, x, width = (
        findings.particles[name][rows] for name in ("track", "y_px", "x_px", "equivalent_diameter_px")
    )
    names = track.astype(str)
    roomy = np.flatnonzero(width * view.scale > digit * (np.char.str_len(names) + 0.6))
    where = view.at(np.stack([x[roomy], y[roomy]], axis=1)).tolist()
    return [(name, (cx, cy)) for name, (cx, cy) in zip(names[roomy].tolist(), where, strict=True)]


class _Artist:
    """Knows what is the same in all frames: line width, text sizes, whether to draw trails."""

    def __init__(self, findings: Findings, view: View, playback: Playback) -> None:
        self.findings, self.view = findings, view
        sizes = findings.particles["equivalent_diameter_px"] * view.scale
        self.line = 2 if len(sizes) and np.median(sizes) >= 16 else 1
        self.trails = findings.frames["particles"].max(initial=0) <= _TRAILS_UP_TO
        self.flash = max(2, round(_FLASH_S * playback.fps)) * playback.stride
        self.merges = findings.of_kind("merge")
        self.merge_place = np.array([event["place"] for event in self.merges])

    def draw(
        self, place: int, grey: UInt8[np.ndarray, "y x"], labels: UInt32[np.ndarray, "y x"]
    ) -> UInt8[np.ndarray, "y x 3"]:
        canvas = painted(grey, labels, width=self.line)
        text = int(np.clip(max(canvas.shape) / 50, 11, 22))
        stamp = self._stamp(place)
        plate(canvas, (text // 2, text // 2, int(text * 1.5 + font(text).getlength(stamp)), text * 9 // 4))
        draw_scale_bar(canvas, scale=self.view.scale, units=self.findings.units, text=text)
        picture = Image.fromarray(canvas)
        pen = ImageDraw.Draw(picture)
        if self.trails:
            self._draw_trails(pen, place)
        self._draw_ids(pen, place, max(9, text * 2 // 3))
        self._draw_flashes(pen, place)
        write(pen, (text, text * 3 // 4), stamp, size=text)
        return np.asarray(picture)

    def _stamp(self, place: int) -> str:
        frame = int(self.findings.frames["frame"][place])
        count = int(self.findings.frames["particles"][place])
        time = f"{self.findings.time[place]:.5g} s" if self.findings.units.time == "s" else f"frame {frame}"
        flags = "".join(f" | {flag}" for flag in self.findings.flags[place])
        return f"{time} | {count} particles{flags}"

    def _positions(self, rows: np.ndarray, place: int) -> np.ndarray:
        """Return canvas x, y of particles, moved with the specimen to where it is in ``place``."""
        particles, drift = self.findings.particles, self.findings.drift
        since = drift[place] - drift[particles["place"][rows]]
        where = np.stack([particles["x_px"][rows], particles["y_px"][rows]], axis=1) + since[:, ::-1]
        return self.view.at(where)

    def _draw_trails(self, pen: ImageDraw.ImageDraw, place: int) -> None:
        rows = np.arange(*self.findings.rows(place).indices(len(self.findings.particles["track"])))
        for _ in range(_TRAIL):
            before = self.findings.previous_row[rows]
            rows, before = rows[before >= 0], before[before >= 0]
            lines = np.concatenate([self._positions(rows, place), self._positions(before, place)], axis=1)
            colours = colours_of(self.findings.particles["track"][rows])
            for line, colour in zip(lines.tolist(), colours.tolist(), strict=True):
                pen.line(line, fill=tuple(colour), width=1)
            rows = before

    def _draw_ids(self, pen: ImageDraw.ImageDraw, place: int, size: int) -> None:
        for name, at in roomy_names(self.findings, self.view, place, size=size):
            write(pen, at, name, size=size, anchor="mm")

    def _place_of(self, event: dict[str, Any], place: int, drift: np.ndarray) -> np.ndarray:
        """Return where (y, x) a merge's child is in a frame, or was when it began, drift added."""
        particles, rows = self.findings.particles, self.findings.rows(place)
        mine = np.flatnonzero(particles["track"][rows] == event["children"][0]) + rows.start
        if len(mine):
            return np.array([particles["y_px"][mine[0]], particles["x_px"][mine[0]]])
        where: np.ndarray = np.array([event["y_px"], event["x_px"]]) + drift
        return where

    def _draw_flashes(self, pen: ImageDraw.ImageDraw, place: int) -> None:
        if not self.merges:
            return
        age = place - self.merge_place
        for index in np.flatnonzero((age >= 0) & (age < self.flash)).tolist():
            event = self.merges[index]
            drift = self.findings.drift[place] - self.findings.drift[event["place"]]
            y, x = self.view.at(self._place_of(event, place, drift)).tolist()
            reach = self.findings.diameter_of(event["children"], event["place"]) * self.view.scale
            ring(pen, (x, y), reach * 0.6 + 6 + 8 * age[index] / self.flash, width=2)
