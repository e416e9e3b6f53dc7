"""Graph and tables -> page and movie."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from graticule.core.progress import Listener, ignore
from graticule.pipeline.settings import digest
from graticule.pipeline.stage import Stage, Summary
from graticule.pipeline.step import Executor, Result, Span, Step
from graticule.storage.experiment import Experiment
from graticule.storage.run import Run


@dataclass(frozen=True)
class BuildReport:
    """Builds the whole report in one task; frames are drawn and encoded one by one."""

    experiment: Experiment

    def __call__(self, movie: Span) -> Result:
        """Write page, figures and overlay movie."""
        # Drawing takes a second and a half to import, which the other stages need not wait for.
        from graticule import report

        paths = report.build(self.experiment, listener=ignore)
        return {"files": np.array(sorted(paths), np.str_)}


class ReportStage(Stage):
    """Draws what was found."""

    name = "report"

    def __init__(self, upstream: str) -> None:
        self.identity = digest(upstream, "report")

    def config(self) -> dict[str, Any]:
        """Return nothing: a report has no settings."""
        return {}

    def work(self, experiment: Experiment, run: Run, execute: Executor, listener: Listener) -> Summary:
        """Build the report."""
        movie = [Span(start=0, stop=experiment.shape[0])]
        execute(Step(name="report", items=movie, work=BuildReport(experiment), run=run), listener)
        return {}
