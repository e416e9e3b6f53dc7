"""Who wins, by a rule that is stated before anyone is measured."""

from collections.abc import Sequence
from dataclasses import dataclass

from graticule.core.errors import ConfigError
from graticule.report.comparison.values import LESS_IS_BETTER, METRICS, Row
from graticule.training.comparison.entrants import BASELINE

AUTO = "auto"


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """How the champion is chosen.

    Attributes:
        metric: One of the table's, or ``auto``: AP50 on data sets whose touching particles are
            parted, IoU on the others.
        least_images_per_s: Slower entrants cannot win.
    """

    metric: str = AUTO
    least_images_per_s: float | None = None

    def __post_init__(self) -> None:
        if self.metric != AUTO and self.metric not in METRICS:
            raise ConfigError(f"unknown metric {self.metric!r}; known: {', '.join([AUTO, *METRICS])}")
        if self.least_images_per_s is not None and not self.least_images_per_s > 0:
            raise ConfigError(f"--at-least-images-per-s is above 0, got {self.least_images_per_s}")

    def text(self) -> str:
        """Return the rule in words."""
        if self.metric == AUTO:
            what = "highest AP50 (IoU where the truth does not part touching particles)"
        else:
            what = f"{'lowest' if self.metric in LESS_IS_BETTER else 'highest'} {METRICS[self.metric]}"
        slow = (
            f", among entrants with at least {self.least_images_per_s:g} images/s"
            if self.least_images_per_s is not None
            else ""
        )
        return f"Champion: {what}, mean over data sets, each counting the same{slow}; ties by images/s."


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """Who won, with what score; ``name`` is ``None`` if nobody could."""

    name: str | None
    score: float | None
    text: str


def decide(sets: Sequence[Sequence[Row]], overall: Sequence[Row], rule: Rule) -> Verdict:
    """Return the winner.

    Args:
        sets: Of each data set, a row per entrant.
        overall: Rows over all data sets; their speed is what the constraint is about.
        rule: How to choose.

    Raises:
        ConfigError: If no data set has the rule's metric.
    """
    metrics = [_metric_on(rows, rule.metric) for rows in sets]
    if not any(metrics):
        raise ConfigError(
            f"--champion {rule.metric} cannot be: no data set's truth parts touching particles;"
            " take iou, dice or boundary_f1"
        )
    ranked = []
    for place, row in enumerate(overall):
        if row.trouble or row.speed is None:
            continue
        if rule.least_images_per_s is not None and row.speed.images_per_s < rule.least_images_per_s:
            continue
        values = [rows[place].means[m].value for rows, m in zip(sets, metrics, strict=True) if m]
        mean = sum(values) / len(values)
        sign = -1 if rule.metric in LESS_IS_BETTER else 1
        ranked.append((sign * round(mean, 6), row.speed.images_per_s, row.name, mean))
    if not ranked:
        return Verdict(name=None, score=None, text="No entrant fulfils the rule.")
    _, speed, name, mean = max(ranked)
    remark = " It has no weights, so no model gets the alias." if name == BASELINE else ""
    return Verdict(
        name=name, score=mean, text=f"{name} wins with {mean:.4f}, at {speed:.3g} images/s.{remark}"
    )


def _metric_on(rows: Sequence[Row], metric: str) -> str | None:
    known = {name for row in rows for name in row.means}
    wanted = ("ap50", "iou") if metric == AUTO else (metric,)
    return next((name for name in wanted if name in known), None)
