"""``--segmenter champion``: resolved once, where a job begins, to a network and a version of weights."""

from graticule.core.errors import ConfigError
from graticule.experiments.address import CHAMPION
from graticule.pipeline.settings import SegmentSettings


def without_alias(settings: SegmentSettings) -> SegmentSettings:
    """Return settings that name a network and its weights where they said ``champion``.

    Others stay as they are.

    Raises:
        ConfigError: If there is no champion, the registry does not answer, or other weights are given.
    """
    if settings.segmenter != CHAMPION:
        return settings
    if "weights" in settings.options:
        raise ConfigError(
            f"--segmenter champion has weights of its own; leave --weights {settings.options['weights']} out,"
            " or name the network that they are of"
        )
    from graticule.experiments.champion import champion

    now = champion()
    return settings.model_copy(
        update={
            "segmenter": now.network,
            "champion": now.weights,
            "options": {**settings.options, "weights": now.weights},
        }
    )
