"""The winner becomes ``champion``: a version of the registry, registered first if it is none yet."""

from collections.abc import Mapping

from graticule.experiments.address import SEGMENTER, parse
from graticule.experiments.champion import set_champion
from graticule.experiments.models import Registered, registered
from graticule.experiments.register import SHA256, register
from graticule.experiments.runs import Run
from graticule.models.weights import locate
from graticule.training.comparison.entrants import WEIGHTS_FILE
from graticule.training.comparison.measure import Measured
from graticule.training.registering import packaged, register_finished
from graticule.training.result import METRICS


def crown(winner: Measured, run: Run, *, scores: Mapping[str, float], why: str) -> Registered:
    """Give the winner the alias ``champion``.

    Weights that are no version yet are found among the versions by their digest; else they are
    registered: in the run that trained them, or in the one that measured them.

    Args:
        winner: With weights; not ``threshold``.
        run: That measured it.
        scores: Its metrics, kept as tags of a new version.
        why: The rule, and how it was won.

    Raises:
        ConfigError: If MLflow does not answer.
        InputError: If the weights are not in a form that can be registered.
    """
    return set_champion(_version(winner, run, scores), why=why)


def _version(winner: Measured, run: Run, scores: Mapping[str, float]) -> int:
    entrant = winner.entrant
    assert entrant.network is not None
    assert entrant.weights is not None
    if entrant.is_registered:
        version = parse(entrant.weights).version
        assert version is not None
        return version
    same = [entry for entry in registered() if entry.name == SEGMENTER and entry.network == entrant.network]
    known = [entry.version for entry in same if entry.tags.get(SHA256) == winner.sha256]
    if known:
        return known[-1]
    path = locate(entrant.network, entrant.weights, sha256=winner.sha256)
    if path.name == WEIGHTS_FILE and (path.parent / METRICS).is_file():
        return register_finished(str(path.parent)).version
    package = packaged(
        path, entrant.network, description=f"{entrant.network}, registered as the winner of a comparison."
    )
    return register(run, package, scores=scores).version
