"""What there is to choose from: a row per segmenter."""

from dataclasses import dataclass

from graticule.core.errors import ConfigError
from graticule.experiments.models import Registered, registered
from graticule.models.registry import SEGMENTERS, WITHOUT_NETWORK


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelRow:
    """A segmenter as ``graticule models`` lists it; ``None`` where there is nothing to say."""

    name: str
    parameters: int | None
    native_px: int | None
    licence: str
    weights: str
    source: str


def describe() -> list[ModelRow]:
    """Return a row for each segmenter, by name. Networks are built without memory, not loaded."""
    try:
        versions, note = registered(), ""
    except ConfigError:
        versions, note = [], "registry does not answer"
    return [
        _without_network(name) if name in WITHOUT_NETWORK else _with_network(name, versions, note)
        for name in sorted(SEGMENTERS)
    ]


def _without_network(name: str) -> ModelRow:
    return ModelRow(
        name=name,
        parameters=None,
        native_px=None,
        licence="Apache-2.0",
        weights="needs none",
        source="graticule: grey level, after Otsu 1979",
    )


def _with_network(name: str, versions: list[Registered], note: str) -> ModelRow:
    from graticule.models.architecture import architecture
    from graticule.models.weights import has_builtin

    made = architecture(name)
    there = ["builtin"] if has_builtin(name) else []
    there += [version.address for version in versions if version.network == name]
    parameters, lacking = _parameters(name)
    return ModelRow(
        name=name,
        parameters=parameters,
        native_px=made.native_size,
        licence=made.licence,
        weights=", ".join(filter(None, [*(there or ["none shipped"]), note, lacking])),
        source=made.source,
    )


def _parameters(name: str) -> tuple[int | None, str]:
    """Return how many there are in the paper's sizes, and what is lacking where that cannot be told."""
    import torch

    from graticule.models.architecture import architecture

    made = architecture(name)
    try:
        with torch.device("meta"):
            network = made.build(made.config())
    except ConfigError:
        return None, "extra not installed (graticule doctor)"
    return sum(parameter.numel() for parameter in network.parameters()), ""
