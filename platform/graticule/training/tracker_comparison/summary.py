"""Figures of movies -> rows of a table: means with intervals, and differences to the baseline."""

from collections.abc import Mapping, Sequence

from graticule.report.trackers.values import METRICS, Group, Row
from graticule.training.comparison.summary import mean_of
from graticule.training.tracker_comparison.entrants import BASELINE
from graticule.training.tracker_comparison.measure import Measured, MovieScores
from graticule.training.tracker_comparison.movies import Segmented, groups_of

Values = dict[int, float]
"""Movie -> value, where it has one."""


def groups(movies: Sequence[Segmented], measured: Sequence[Measured]) -> list[Group]:
    """Return a table for each kind of movie and segmentation, a row per tracker."""
    return [_group(group, movies, measured) for group in groups_of(movies)]


def _group(group: tuple[str, str], movies: Sequence[Segmented], measured: Sequence[Measured]) -> Group:
    places = [place for place, movie in enumerate(movies) if movie.group == group]
    base = next((m for m in measured if m.entrant.tracker == BASELINE and not m.trouble), None)
    return Group(
        data=group[0],
        segmentation=group[1],
        movies=len(places),
        frames=sum(movies[place].movie.shape[0] for place in places),
        rows=[_row(each, places, None if each is base else base) for each in measured],
    )


def _row(each: Measured, places: Sequence[int], base: Measured | None) -> Row:
    if each.trouble:
        return Row(name=each.entrant.name, trouble=each.trouble)
    scores = [each.scores[place] for place in places]
    ours = _values(each.scores, places)
    theirs = _values(base.scores, places) if base is not None else {}
    apart = {metric: _less(values, theirs.get(metric, {})) for metric, values in ours.items()}
    return Row(
        name=each.entrant.name,
        frames_per_s=sum(s.frames for s in scores) / max(sum(s.seconds for s in scores), 1e-9),
        memory_bytes=each.memory_bytes,
        means={metric: mean_of(list(values.values())) for metric, values in ours.items() if values},
        differences={metric: mean_of(list(values.values())) for metric, values in apart.items() if values},
        movies={metric: len(values) for metric, values in ours.items() if values},
    )


def _values(scores: Sequence[MovieScores], places: Sequence[int]) -> dict[str, Values]:
    return {
        metric: {place: value for place in places if (value := scores[place].figures.get(metric)) is not None}
        for metric in METRICS
    }


def _less(ours: Mapping[int, float], theirs: Mapping[int, float]) -> Values:
    return {place: value - theirs[place] for place, value in ours.items() if place in theirs}
