"""Measure graticule: ratios in one run, written into RESULTS.md.

make bench                                  all benchmarks
python tests/benchmarks/run.py ingest …     only these
"""

import argparse
import os
import sys
import tempfile
from datetime import date
from importlib import import_module
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(ROOT / "infra")]

NAMES = (
    "ingest",
    "workers",
    "growth",
    "memory",
    "real",
    "models",
    "margins",
    "weights",
    "left_out",
    "following",
    "trackers",
    "serve",
)


def main() -> None:
    """Run the chosen benchmarks, print and keep their sections."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("names", nargs="*", choices=[*NAMES, []], default=[])
    names = parser.parse_args().names or NAMES
    os.environ["GRATICULE_SEGMENTER"] = "threshold"  # what the pipeline costs, and not a network
    os.environ["GRATICULE_TRACKER"] = "overlap"
    for name in names:
        print(f"== {name}", flush=True)
        with tempfile.TemporaryDirectory(prefix="grat-bench-") as folder:
            lines = import_module(f"bench_{name}").measure(Path(folder))
        section = f"{_heading(name)}\n\n" + "\n".join(lines) + "\n"
        print(section, flush=True)
        _keep(name, section)
        _log(name, lines, section)


def _log(name: str, lines: list[str], section: str) -> None:
    """Log a section to MLflow, where runs of several days and machines are read side by side."""
    from figures import figures

    from graticule.core.environment import environment
    from graticule.core.errors import GraticuleError
    from graticule.experiments.provenance import git_revision, machine
    from graticule.experiments.runs import start

    try:
        run = start(
            "graticule-benchmarks",
            name,
            params={"benchmark": name, "machine": machine(), "git_revision": git_revision(), **environment()},
            tags={"benchmark": name, "mlflow.note.content": section},
        )
        run.metrics(0, figures(lines))
        run.artifact(section.encode(), f"{name}.md")
        run.finish()
    except GraticuleError as error:
        print(f"not logged to MLflow: {error}", flush=True)


def _heading(name: str) -> str:
    machine = f"{os.cpu_count()} cores, {_memory_gib():.0f} GiB"
    return f"## {name}\n\n*{date.today()}, {machine}, `python tests/benchmarks/run.py {name}`*"


def _memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def _keep(name: str, section: str) -> None:
    path = HERE / "RESULTS.md"
    text = path.read_text() if path.exists() else "# Measured figures\n"
    head, *old = text.split("\n## ")
    sections = {part.split("\n", 1)[0]: f"## {part}" for part in old}
    sections[name] = section
    body = "\n".join(sections[key].rstrip() + "\n" for key in sorted(sections))
    path.write_text(f"{head.rstrip()}\n\n{body}")


if __name__ == "__main__":
    main()
