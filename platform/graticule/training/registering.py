"""The weights of a finished training as a version of a registered model."""

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from graticule.core.errors import ConfigError, StorageError
from graticule.experiments.address import SEGMENTER, TRACKER
from graticule.experiments.models import Registered
from graticule.experiments.register import Package, register
from graticule.experiments.runs import Run
from graticule.models.architecture import TRACKERS
from graticule.models.weights import load_config
from graticule.storage.place import Place
from graticule.training.card import EXCLUDED
from graticule.training.events import EpochDone
from graticule.training.logged_run import anew, begun_before, keep
from graticule.training.result import CARD, HISTORY, METRICS, RECIPE, SAMPLES, WEIGHTS, Finished

FILES = (RECIPE, HISTORY, METRICS, SAMPLES, CARD, EXCLUDED)
"""Of a result, that its run shows."""
LOSS = "train/loss"
_CODE, _CODE_OF_TRACKERS = "graticule.training.served_model", "graticule.training.served_tracker"
_EXTRA = {"yolov8n-seg": "[yolo]"}


def register_finished(folder: str) -> Registered:
    """Register the weights of a finished training, in the run that logged it or a new one.

    Args:
        folder: Of one network, as ``graticule train`` leaves it; path or URL.

    Raises:
        StorageError: If there is no finished training.
        ConfigError: If MLflow does not answer.
    """
    place = Place.at(folder)
    figures = place.read(METRICS)
    if figures is None or not place.is_file(WEIGHTS):
        raise StorageError(
            f"{folder} holds no finished training; give the folder of one network in the --out of"
            " graticule train"
        )
    known = {name: value for name, value in json.loads(figures).items() if name != "images"}
    finished = Finished(**known, folder=place.root, worked=False)
    run = begun_before(place) or anew(finished.network, place)
    logged = set(run.steps(LOSS))
    for epoch in history(place):
        if epoch.epoch not in logged:
            run.metrics(epoch.epoch, of_epoch(epoch))
    for name in FILES:
        copy(run, place, name)
    entry = registered_as(run, finished)
    run.finish()
    return entry


@contextmanager
def nothing_lost(folder: str) -> Iterator[None]:
    """Say of an MLflow that fails after a training that the result is there, and what to do later.

    Raises:
        ConfigError: If MLflow does not answer.
    """
    try:
        yield
    except ConfigError as error:
        raise ConfigError(
            f"{error}; the training is done and lies in {folder}, only MLflow does not know: the same"
            f" command tells it, or: graticule models register {folder}"
        ) from None


def registered_as(run: Run, finished: Finished) -> Registered:
    """Return the version that a result is registered as; the same weights of a run only once.

    Raises:
        StorageError: If the weights are gone.
        ConfigError: If MLflow does not answer.
    """
    place = Place.at(finished.folder)
    content, card = place.read(WEIGHTS), place.read(CARD)
    if content is None:
        raise StorageError(f"{finished.weights} is gone; train again")
    with tempfile.TemporaryDirectory() as scratch:
        weights = Path(scratch, f"{finished.network}.safetensors")
        weights.write_bytes(content)
        package = packaged(weights, finished.network, description=(card or b"").decode())
        name = TRACKER if finished.network in TRACKERS else SEGMENTER
        entry = register(run, package, scores=finished.metrics, step=finished.best_epoch, name=name)
    keep(run, place, version=entry.version)
    return entry


def packaged(weights: Path, network: str, *, description: str = "") -> Package:
    """Return what is registered of a network's weights: they, and the code that builds it."""
    code = find_spec(
        _CODE_OF_TRACKERS if network in TRACKERS else _CODE
    )  # found, not imported: it imports MLflow
    assert code is not None
    assert code.origin is not None
    own = f"graticule{_EXTRA.get(network, '')}=={version('graticule')}"
    return Package(
        weights=weights,
        code=Path(code.origin),
        network=network,
        requirements=[own, *(f"{name}=={version(name)}" for name in ("mlflow", "torch"))],
        options=_options(weights, network),
        description=description,
    )


def _options(weights: Path, network: str) -> dict[str, str]:
    """Return options that the weights decide, so that a served model need not look for them."""
    if network != "efficient-sam-ti":
        return {}
    from graticule.models.efficient_sam.automatic.fitting import mode_of

    return {"mode": mode_of(load_config(network, str(weights)))}


def history(place: Place) -> list[EpochDone]:
    """Return the epochs of a training's folder; none where it is not finished."""
    content = place.read(HISTORY)
    return [EpochDone(**epoch) for epoch in json.loads(content)] if content else []


def of_epoch(event: EpochDone) -> Mapping[str, float]:
    """Return what is logged of an epoch."""
    losses = {f"train/{name}": value for name, value in event.losses.items()}
    metrics = {f"validation/{name}": value for name, value in event.metrics.items()}
    return {LOSS: float("nan"), **losses, **metrics, "seconds": event.seconds}


def copy(run: Run, place: Place, name: str) -> None:
    """Log a file of a training's folder, if it is there."""
    content = place.read(name)
    if content is not None:
        run.artifact(content, name)
