"""Weights of the networks: where they lie, what they hold, and the network they make."""

from graticule.models.weights.convert import convert
from graticule.models.weights.digest import weights_sha256
from graticule.models.weights.load import load, load_config, load_network
from graticule.models.weights.locate import BUILTIN_FOLDER, has_builtin, locate, resolve
from graticule.models.weights.pin import pinned_weights
from graticule.models.weights.save import save_weights

__all__ = [
    "BUILTIN_FOLDER",
    "convert",
    "has_builtin",
    "load",
    "load_config",
    "load_network",
    "locate",
    "pinned_weights",
    "resolve",
    "save_weights",
    "weights_sha256",
]
