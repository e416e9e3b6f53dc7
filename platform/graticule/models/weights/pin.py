"""Weights by a name that means the same to every worker, with their digest."""

from graticule.core.errors import InputError
from graticule.models.weights.digest import weights_sha256
from graticule.models.weights.locate import resolve


def pinned_weights(name: str, weights: str, *, sha256: str | None) -> dict[str, str]:
    """Return the options ``weights`` and ``weights_sha256`` of a network's weights.

    An alias becomes a version, a path absolute. What is pinned already stays as it is.

    Raises:
        ConfigError: If there are none of that name.
        InputError: If they cannot be had, or do not have the digest asked for.
    """
    where = resolve(weights)
    found = weights_sha256(name, where, known=sha256)
    if sha256 is not None and sha256.lower() != found:
        raise InputError(
            f"{where} does not hold what it should: sha256 {found}, expected {sha256};"
            " it has changed since, or is another file"
        )
    return {"weights": where, "weights_sha256": found}
