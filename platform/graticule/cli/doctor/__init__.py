"""``graticule doctor``: what an installation can do, found by asking it, with a remedy for what it cannot."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated

import typer

from graticule.cli.doctor.finding import Finding
from graticule.cli.doctor.installation import installation
from graticule.cli.doctor.machine import machine
from graticule.cli.doctor.services import services
from graticule.cli.saying import say


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="For programs: one JSON document")] = False,
) -> int:
    """Say what this installation can do, and what is wrong with it; status 1 if anything is."""
    seen: list[Finding] = []
    for finding in findings():
        seen.append(finding)
        if not as_json:
            say(str(finding))
    wrong = [finding.name for finding in seen if finding.state == "problem"]
    if as_json:
        say(json.dumps({"works": not wrong, "findings": [asdict(each) for each in seen]}, indent=2))
    else:
        say(f"to be put right: {', '.join(wrong)}" if wrong else "all that is installed works")
    return int(bool(wrong))


def findings() -> Iterator[Finding]:
    """Yield what was looked at, what was found, and what to do about it."""
    yield from installation()
    yield from machine()
    yield from services()
