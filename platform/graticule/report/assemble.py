"""Build the whole report of an experiment."""

import io
from typing import Any

from PIL import Image

from graticule.core.progress import Listener, ignore
from graticule.report.findings import Findings, gather
from graticule.report.keyframes import draw_keyframes
from graticule.report.numbers import figures, numbers_of, tiles
from graticule.report.overlay import write_overlay
from graticule.report.page import Page, page_html
from graticule.report.thumbnails import data_uri, merge_thumbnails
from graticule.report.view import view_of
from graticule.storage.experiment import Experiment

PAGE = "report/index.html"
OVERLAY = "report/overlay.mp4"
KEYFRAMES = "report/figures/keyframes.png"
_SHOWN_WIDTH = 1200
_STAGES = ("ingest", "segment", "link")
_FLAGGED_NAMED = 12


def build(experiment: Experiment, *, listener: Listener = ignore) -> dict[str, str]:
    """Write page, overlay movie and key frames; return their paths or URLs by name.

    Args:
        experiment: With tables and ``labels/tracks``.
        listener: Told of every frame drawn, in the stage "report".

    Raises:
        ExperimentError: If the experiment is not yet linked.
        StorageError: If the place cannot be written.
    """
    findings = gather(experiment)
    view = view_of(experiment)
    playback = write_overlay(findings, view, OVERLAY, listener=listener)
    keyframes = draw_keyframes(findings, view)
    with experiment.open_file(KEYFRAMES, "wb") as file:
        file.write(keyframes)
    numbers = numbers_of(findings)
    configs, environment = _runs(experiment)
    page = Page(
        findings=findings,
        playback=playback,
        tiles=tiles(findings, numbers),
        figures=figures(findings, numbers),
        keyframes=_smaller(keyframes),
        thumbnails=merge_thumbnails(findings, view),
        runs=configs,
        environment=environment,
        notes=_notes(findings),
    )
    with experiment.open_file(PAGE, "w") as file:
        file.write(page_html(page))
    parts = {"page": PAGE, "overlay": OVERLAY, "keyframes": KEYFRAMES}
    return {name: experiment.path(part) for name, part in parts.items()}


def _smaller(png: bytes) -> str:
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    picture.thumbnail((_SHOWN_WIDTH, 4 * _SHOWN_WIDTH), Image.Resampling.LANCZOS)
    return data_uri(picture, "jpeg")


def _runs(experiment: Experiment) -> tuple[list[tuple[str, dict[str, Any]]], dict[str, Any]]:
    """Return the configuration of every stage that has one, and the newest environment."""
    found: list[tuple[str, dict[str, Any]]] = []
    environment: dict[str, Any] = {}
    ranked = sorted(experiment.runs(), key=lambda run_id: (_rank(run_id), run_id))
    for run_id in ranked:
        run = experiment.run(run_id)
        if run.config:
            found.append((run_id, {key: value for key, value in run.config.items() if key != "notes"}))
        environment = run.environment or environment
    return found, environment


def _rank(run_id: str) -> int:
    stage = run_id.rpartition("-")[0]
    return _STAGES.index(stage) if stage in _STAGES else len(_STAGES)


def _notes(findings: Findings) -> list[str]:
    """Return what a reader must know first: notes of the reader of the movie, flagged frames."""
    experiment = findings.experiment
    notes = [
        str(note)
        for run_id in experiment.runs()
        for note in (experiment.run(run_id).config or {}).get("notes", ())
    ]
    flagged = [place for place, flags in enumerate(findings.flags) if flags]
    if flagged:
        named = ", ".join(
            f"{int(findings.frames['frame'][place])} ({', '.join(findings.flags[place])})"
            for place in flagged[:_FLAGGED_NAMED]
        )
        more = f" and {len(flagged) - _FLAGGED_NAMED} more" if len(flagged) > _FLAGGED_NAMED else ""
        notes.append(f"Flagged frames: {named}{more}.")
    return notes
