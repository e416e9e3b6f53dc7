"""What ran: versions of everything that decides a result."""

import platform
from importlib.metadata import PackageNotFoundError, version

_PACKAGES = (
    "graticule",
    "numpy",
    "scipy",
    "scikit-image",
    "zarr",
    "zarrs",
    "ray",
    "pyarrow",
    "dask",
    "av",
    "tifffile",
    "rosettasciio",
    "torch",
    "torchvision",
    "safetensors",
    "ultralytics",
    "mamba-ssm",
    "mlflow",
)


def environment() -> dict[str, str]:
    """Return the versions of Python, the system and the packages that matter."""
    found = {"python": platform.python_version(), "system": platform.platform()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found
