"""What is installed: versions, what graticule needs, and its extras."""

from collections.abc import Iterator, Mapping

from graticule.cli.doctor.finding import Finding, problem
from graticule.core.requirements import Needed, needed
from graticule.experiments.provenance import what_ran

EXTRAS: Mapping[str, str] = {
    "em": "dm3, dm4, mrc, ser, emd, tvips",
    "yolo": "segmenter yolov8n-seg (AGPL-3.0)",
    "compare": "trackers to compare with, and their metrics",
    "mamba": "the fastest selective scan, for NVIDIA cards; compiled when it is installed",
    "server": "an MLflow server on PostgreSQL with files on S3",
}
"""What a user may install beside graticule, and what it is for."""


def installation() -> Iterator[Finding]:
    """Yield versions, requirements and extras."""
    for name, version in what_ran().items():
        yield Finding(name=name, found=version, state="absent" if version == "not installed" else "fine")
    yield _requirements()
    for extra, gives in EXTRAS.items():
        yield _extra(extra, gives)


def _requirements() -> Finding:
    asked = needed()
    if not asked:
        return Finding(
            name="requirements",
            found="graticule is found by its path, not installed: they were not checked",
            state="absent",
        )
    wrong = [each for each in asked if not each.met]
    if wrong:
        return problem("requirements", _listed(wrong), f"pip install {_quoted(wrong)}")
    return Finding(name="requirements", found=f"{len(asked)} packages, all in versions that will do")


def _extra(extra: str, gives: str) -> Finding:
    name, asked = f"extra [{extra}]", needed(extra)
    wrong = [each for each in asked if not each.met]
    if asked and not wrong:
        return Finding(name=name, found=f"installed: {gives}")
    remedy = f"pip install 'graticule[{extra}]'"
    if len(wrong) == len(asked) or all(each.installed is None for each in wrong):
        lacking = "" if len(wrong) == len(asked) else f", lacks {', '.join(each.package for each in wrong)}"
        return Finding(name=name, found=f"not installed ({gives}){lacking}", state="absent", remedy=remedy)
    return problem(name, _listed([each for each in wrong if each.installed is not None]), remedy)


def _listed(wrong: list[Needed]) -> str:
    return ", ".join(str(each) for each in wrong)


def _quoted(wrong: list[Needed]) -> str:
    return " ".join(f"'{each.package}{each.wanted}'" for each in wrong)
