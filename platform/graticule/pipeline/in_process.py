"""Run a step as a plain loop in this process."""

from graticule.core.progress import Listener
from graticule.pipeline.step import Step, Tally, Timing


def run_in_process(step: Step, listener: Listener) -> list[Timing]:
    """Perform the unfinished items of ``step`` one after the other."""
    todo = step.unfinished()
    tally = Tally(step, todo, listener)
    for item in todo:
        tally.add(step.perform(item))
    return tally.timings
