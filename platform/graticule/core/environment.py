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
    return found | {name: version_of(name) or "not installed" for name in _PACKAGES}


def version_of(package: str) -> str | None:
    """Return the version that a package was installed as, ``None`` where it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None
