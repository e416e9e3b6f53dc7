"""A machine with nothing of this checkout on it: one environment, filled anew with what is asked for."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
UV = Path(sys.executable).with_name("uv")
_OWN = ("PYTHON", "VIRTUAL_ENV", "GRATICULE_", "RAY_", "MLFLOW_", "PYTEST_", "COVERAGE_")


def foreign_environment(**more: str) -> dict[str, str]:
    """Return the variables of this process without those that tell of this checkout or steer Python."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_OWN)} | more


def uv(*arguments: object, cwd: Path = ROOT, **more: str) -> str:
    """Run uv; return what it printed, fail with all it said."""
    command = [str(UV), *map(str, arguments)]
    done = subprocess.run(
        command, cwd=cwd, env=foreign_environment(**more), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout


@dataclass(frozen=True, kw_only=True)
class CleanMachine:
    """A folder with an environment, a home, and a place to work in.

    The environment is always at the same place, so that what Python compiled once serves again.
    """

    folder: Path

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "venv" / "bin" / "python"

    def install(self, wheel: Path, extra: str | None = None) -> None:
        """Put a wheel, with an extra or none, into an environment made anew."""
        uv("venv", "--quiet", "--clear", "--python", sys.executable, self.folder / "venv")
        self.add(f"graticule{f'[{extra}]' if extra else ''} @ {wheel.as_uri()}")

    def add(self, *what: object, **more: str) -> None:
        """Put something more into the environment, in the versions that the project is tested with."""
        tested = ("-c", ROOT / "constraints.txt")
        uv("pip", "install", "--quiet", "--python", self.python, *tested, *what, **more)

    def run(self, *command: object) -> subprocess.CompletedProcess[str]:
        """Run a program of the environment in the place to work in."""
        home, work = self.folder / "home", self.folder / "work"
        work.mkdir(exist_ok=True)
        program = self.python.with_name(str(command[0]))
        more = {
            "HOME": str(home),
            "PYTHONPYCACHEPREFIX": str(self.folder / "compiled"),
            "OMP_NUM_THREADS": "1",
        }
        return subprocess.run(
            [program, *map(str, command[1:])],
            cwd=work,
            env=foreign_environment(**more),
            capture_output=True,
            text=True,
            check=False,
        )

    def out(self, *command: object) -> str:
        """Run a program that must not fail; return what it printed."""
        done = self.run(*command)
        assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}"
        return done.stdout
