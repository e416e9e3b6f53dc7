"""Small movies whose truth is known, and an MLflow of the tests' own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mlflow_home import begin


@pytest.fixture(scope="module")
def at_home(tmp_path_factory) -> Iterator[Path]:
    """Nothing comes near the user's own runs."""
    home = begin(tmp_path_factory.mktemp("home") / "home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRATICULE_HOME", str(home))
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        yield home


@pytest.fixture(scope="session")
def truth(tmp_path_factory) -> str:
    """An experiment whose labels and tables are the truth."""
    from graticule.core.calibration import Calibration
    from graticule.core.progress import ignore
    from graticule.pipeline.simulate import simulate_experiment

    out = str(tmp_path_factory.mktemp("truth") / "truth.ome.zarr")
    how = {"preset": "easy", "frames": 12, "size": 128, "seed": 5}
    simulate_experiment(out, **how, calibration=Calibration(), listener=ignore)
    return out
