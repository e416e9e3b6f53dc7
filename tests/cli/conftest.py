"""What every test of the command line needs."""

import pytest

from typed import status_of


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> None:
    """A home of this test's own, with no registry."""
    monkeypatch.setenv("GRATICULE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture
def graticule(capsys):
    """Run a command line; return its status, and what it printed on stdout and stderr."""

    def run(*arguments: object) -> tuple[int, str, str]:
        status = status_of(*arguments)
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return run
