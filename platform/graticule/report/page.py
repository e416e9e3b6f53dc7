"""The page: one HTML file that asks nothing of the network.

Text of the user's making (names of files and movies, settings) is escaped here, and
nowhere else.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from typing import Any

from graticule.report.findings import Findings
from graticule.report.html import method, notes
from graticule.report.overlay import Playback

MOST_EVENTS = 20_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """What a page shows. Pictures are data URIs; charts are SVG of our own making."""

    findings: Findings
    playback: Playback
    tiles: Sequence[tuple[str, str, str]]
    figures: Sequence[tuple[str, str, str]]
    keyframes: str
    thumbnails: Mapping[int, str]
    runs: Sequence[tuple[str, Mapping[str, Any]]]
    environment: Mapping[str, Any]
    notes: Sequence[str]


def page_html(page: Page) -> str:
    """Return the whole page as text."""
    name = escape(page.findings.experiment.name)
    resources = files("graticule.report")
    style, script = (resources.joinpath(part).read_text("utf-8") for part in ("page.css", "page.js"))
    sections = (_header, _summary, _movie, _keyframes, _charts, _events, _method, _settings)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{name} | graticule</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="icon" href="data:,"><style>{style}</style></head><body><main>'
        f"{''.join(section(page) for section in sections)}</main><script>{script}</script></body></html>"
    )


def _header(page: Page) -> str:
    experiment = page.findings.experiment
    frames, height, width = experiment.shape
    facts = f"{frames:,} frame{'s' * (frames != 1)} of {width} × {height} px, {experiment.dtype.name}"
    return (
        f'<header><p class="brand">graticule report</p><h1>{escape(experiment.name)}</h1>'
        f"<p>{facts} · {escape(_calibration(page.findings))}</p>{notes(page.notes)}</header>"
    )


def _calibration(findings: Findings) -> str:
    scale = findings.experiment.calibration
    pixel, interval = scale.pixel_size_nm, scale.frame_interval_s
    return " · ".join(
        (
            f"pixel size {pixel:.5g} nm" if pixel else "pixel size unknown: lengths are in px",
            f"frame interval {interval:.5g} s"
            if interval
            else "frame interval unknown: times are frame numbers",
        )
    )


def _summary(page: Page) -> str:
    cells = "".join(
        f"<div><dt>{escape(what)}</dt><dd>{escape(value)}</dd><p>{escape(remark)}</p></div>"
        for what, value, remark in page.tiles
    )
    return f'<section><dl class="tiles">{cells}</dl></section>'


def _movie(page: Page) -> str:
    stride = page.playback.stride
    every = f" One frame in {stride} is shown." if stride > 1 else ""
    note = (
        "Each track keeps its colour and number; thin lines are the paths of the last frames relative to the "
        f"specimen; a yellow ring marks a merge. Contrast is the same in all frames.{every}"
    )
    return (
        '<section><h2>Overlay movie</h2><figure class="movie">'
        '<video id="overlay" src="overlay.mp4" controls loop muted playsinline preload="metadata"></video>'
        f"<figcaption>{note}</figcaption></figure></section>"
    )


def _keyframes(page: Page) -> str:
    return (
        '<section><h2>Key frames</h2><figure class="keyframes">'
        f'<img src="{page.keyframes}" alt="Frame, identities and zoom at up to four moments">'
        "<figcaption>The same region (yellow) follows the specimen. For print: "
        '<a href="figures/keyframes.png">figures/keyframes.png</a>, 200 dpi.</figcaption></figure></section>'
    )


def _charts(page: Page) -> str:
    drawn = "".join(
        f"<figure><h3>{escape(title)}</h3>{svg}<figcaption>{escape(note)}</figcaption></figure>"
        for title, svg, note in page.figures
    )
    return f'<section><h2>Population</h2><div class="charts">{drawn}</div></section>'


def _events(page: Page) -> str:
    events = page.findings.events
    # Merges and splits are few and what one looks for; they come before any cut.
    ranked = sorted(events, key=lambda event: event["kind"] in ("appear", "vanish"))[:MOST_EVENTS]
    rows = [_event_row(page, event) for event in sorted(ranked, key=lambda event: event["event"])]
    data = {"rows": rows, "thumbnails": {str(key): uri for key, uri in page.thumbnails.items()}}
    cut = ""
    if len(rows) < len(events):
        cut = f" The page holds {len(rows):,} of {len(events):,} events; all are in tables/events.parquet."
    return (
        '<section><h2>Events</h2><div class="filters" id="kinds"></div><p class="count" id="shown"></p>'
        f'<div class="scroll"><table id="events"><thead><tr>{_event_head(page)}</tr></thead>'
        '<tbody></tbody></table></div><button id="more" hidden>Show more</button>'
        f'<p class="small">A click on a row shows its moment in the movie.{cut}</p>'
        f'<script type="application/json" id="event-data">{_json(data)}</script></section>'
    )


def _event_head(page: Page) -> str:
    unit = page.findings.units
    names = {"event": "no.", "kind": "kind", "frame": "frame"}
    if unit.time == "s":
        names["time"] = "time (s)"
    names |= {"parents": "parents", "children": "children"}
    names |= {"y": f"y ({unit.length})", "x": f"x ({unit.length})", "confidence": "confidence"}
    cells = (
        f'<th aria-sort="none"><button data-key="{key}">{text}</button></th>' for key, text in names.items()
    )
    return f"{''.join(cells)}<th>before, contact, after</th>"


def _event_row(page: Page, event: Mapping[str, Any]) -> dict[str, Any]:
    per_px = page.findings.units.per_px
    return {
        "event": event["event"],
        "kind": event["kind"],
        "frame": event["frame"],
        "time": event["time_s"],
        "parents": event["parents"],
        "children": event["children"],
        "y": round(event["y_px"] * per_px, 2),
        "x": round(event["x_px"] * per_px, 2),
        "border": event["at_border"],
        "confidence": round(event["confidence"], 3),
        "at": round(page.playback.seconds(event["place"]), 3),
    }


def _json(data: Any) -> str:
    return json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")


_METHOD = (
    "A particle is one body in one frame; a track is one identity through time. "
    "A merge ends its parents and starts a child.",
    "Diameters are those of the disc of equal area. "
    "Particles cut by the border count in numbers and coverage, not in sizes.",
    "A merge is dated to the first frame of lasting contact in projection: in the image plane, "
    "not in three dimensions.",
    "Confidence (0 to 1) of an event grows with the evidence for it; it is no probability.",
    "The error of the coarsening exponent is one standard error, widened by the correlation between frames.",
)


def _method(page: Page) -> str:
    return method(_METHOD)


def _settings(page: Page) -> str:
    stages = "".join(
        f"<details open><summary>{escape(run)}</summary>{_mapping(config)}</details>"
        for run, config in page.runs
    )
    software = (
        f"<details><summary>software</summary>{_mapping(page.environment)}</details>"
        if page.environment
        else ""
    )
    tables = " ".join(
        f'<a href="../tables/{name}.parquet">{name}</a>'
        for name in ("particles", "tracks", "events", "frames")
    )
    return (
        f'<section><h2>Settings and software</h2><div class="runs">{stages}{software}</div>'
        f'<p class="small">Tables (Parquet): {tables}</p></section>'
    )


def _mapping(values: Mapping[str, Any]) -> str:
    rows = "".join(
        f"<tr><th>{escape(str(key))}</th><td>{escape(_plain(value))}</td></tr>"
        for key, value in values.items()
    )
    return f"<table>{rows}</table>" if rows else '<p class="small">no settings</p>'


def _plain(value: Any) -> str:
    if value is None:
        return "not set"
    return value if isinstance(value, str) else json.dumps(value, default=str)
