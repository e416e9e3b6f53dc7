"""The page of a comparison of trackers: one HTML file that asks nothing of the network."""

from collections.abc import Iterable
from html import escape

from graticule.report.html import comparison_header, comparison_page, method, settings
from graticule.report.trackers.table import table_html
from graticule.report.trackers.values import Group, TrackerComparison

TABLE, JSON = "table.csv", "comparison.json"
_FILES = f'All figures: <a href="{TABLE}">{TABLE}</a> <a href="{JSON}">{JSON}</a>'


def page_html(comparison: TrackerComparison) -> str:
    """Return the whole page as text."""
    body = [_header(comparison)]
    for group in comparison.groups:
        body += _group(group)
    body += [method(_method(comparison.baseline)), settings(comparison.settings, _FILES)]
    return comparison_page("Trackers", body)


def _header(comparison: TrackerComparison) -> str:
    trackers = len(comparison.groups[0].rows) if comparison.groups else 0
    names = dict.fromkeys(group.data for group in comparison.groups)
    facts = f"{trackers} trackers on {', '.join(names)}"
    return comparison_header("Trackers compared", facts, comparison.machine, comparison.notes)


def _group(group: Group) -> Iterable[str]:
    movies = f"{group.movies} movie{'s' * (group.movies != 1)} of {group.frames} frames in all"
    yield f"<section><h2>{escape(group.name)}</h2>{table_html(group.rows)}"
    yield f'<p class="small">{movies}; every tracker was given the same instances.</p></section>'


def _method(baseline: str) -> tuple[str, ...]:
    return (
        "Segmentations: truth instances are those of the truth, particles that have merged being one;"
        " others are a segmenter's, made once per movie for all trackers.",
        "Values are means over movies, bold is the best. Intervals (small, grey) are 95 % percentile"
        " bootstraps over movies; those of one movie have no width and say nothing. The last line of a cell"
        f" is the difference to {baseline}, movie by movie; green or red where its interval leaves out 0.",
        "IDF1 (Ristani et al. 2016), ID switches and fragmentations match instances at IoU 0.5; HOTA, DetA"
        " and AssA (Luiten et al. 2021) are means over IoU 0.05 … 0.95, by trackeval.",
        "TRA, DET and LNK are the Cell Tracking Challenge's (Matula et al. 2015), by py-ctcmetrics: an"
        " instance is found by the one that covers more than half of it; the child of a merge follows its"
        " largest parent, since a track has one parent there.",
        "A merge is right when it is told within 1 or 4 frames of the true one, of the same particles or"
        " within 10 px of it. – where there is nothing to score: none told (precision), none true (recall).",
        "Frames/s: observing and deciding, reading and scoring left out, after a warm-up on a few frames."
        " Memory is the highest while tracking above what data and libraries held, in a process of its own"
        " for each tracker.",
    )
