"""How entrants were trained: ``history.json`` beside their weights, or what MLflow kept -> curves."""

import json
from collections.abc import Mapping, Sequence
from math import isnan, nan
from pathlib import Path

from graticule.core.errors import InputError
from graticule.experiments.address import parse
from graticule.experiments.server import asking, client
from graticule.report.comparison.values import Curve
from graticule.training.comparison.entrants import Entrant

_IN_MLFLOW = {"loss": "train/loss", "iou": "validation/iou", "dice": "validation/dice"}


def curves(entrants: Sequence[Entrant]) -> list[Curve]:
    """Return the curves of the entrants whose training is known.

    Raises:
        InputError: If a history is none.
        ConfigError: If MLflow does not answer.
    """
    found = [_curve(entrant) for entrant in entrants]
    return [curve for curve in found if curve is not None and curve.series]


def _curve(entrant: Entrant) -> Curve | None:
    if entrant.history is not None:
        return curve_of(entrant.name, entrant.history)
    return _logged(entrant) if entrant.is_registered else None


def curve_of(name: str, path: Path) -> Curve:
    """Read a history: a list of epochs with ``epoch``, ``losses`` and ``metrics``.

    Raises:
        InputError: If it is none.
    """
    try:
        epochs = json.loads(path.read_text("utf-8"))
        values = {
            "loss": {int(epoch["epoch"]): float(epoch["losses"].get("loss", nan)) for epoch in epochs},
            **{
                m: {int(e["epoch"]): float(e["metrics"].get(m, nan)) for e in epochs} for m in ("iou", "dice")
            },
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path} is no history of a training ({error}); remove it, or train again"
        ) from error
    return _together(name, values)


def _logged(entrant: Entrant) -> Curve | None:
    """Return what the run that made a registered version logged; ``None`` if no run did."""
    assert entrant.weights is not None
    address = parse(entrant.weights)
    with asking():
        server = client()
        run = server.get_model_version(address.name, str(address.version)).run_id
        if not run:
            return None
        values = {
            called: {point.step: float(point.value) for point in server.get_metric_history(run, metric)}
            for called, metric in _IN_MLFLOW.items()
        }
    return _together(entrant.name, values)


def _together(name: str, values: Mapping[str, Mapping[int, float]]) -> Curve:
    """Return series over the same epochs; without those of which nothing is known."""
    epochs = sorted({epoch for by_epoch in values.values() for epoch in by_epoch})
    series = {called: [by_epoch.get(epoch, nan) for epoch in epochs] for called, by_epoch in values.items()}
    return Curve(name=name, epochs=epochs, series={k: v for k, v in series.items() if not all(map(isnan, v))})
