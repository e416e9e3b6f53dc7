"""Known vulnerabilities of the exact versions in constraints.txt, by pip-audit: ``make audit``.

It asks a service on the internet about every version. Exit status: 0 nothing is known; 1 something is, or an
exception of ``infra/audit.toml`` is over; 2 the service does not answer, and nothing is known of anything.
"""

import argparse
import datetime
import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOUND, UNREACHABLE = 1, 2
EXCEPTIONS = Path(__file__).with_suffix(".toml")
CONSTRAINTS = Path(__file__).parents[1] / "constraints.txt"


@dataclass(frozen=True, kw_only=True, slots=True)
class Accepted:
    """A vulnerability that is left out, why, and the last day on which it is."""

    id: str
    package: str
    reason: str
    until: datetime.date


def accepted(text: str) -> list[Accepted]:
    """Return the exceptions that a file lists."""
    return [Accepted(**entry) for entry in tomllib.loads(text).get("exception", ())]


def over(exceptions: list[Accepted], *, today: datetime.date) -> Iterator[str]:
    """Yield a line for every exception whose time is over."""
    for each in exceptions:
        if each.until < today:
            yield f"the exception for {each.id} of {each.package} ended on {each.until}; look at it again"


def findings(report: dict[str, Any]) -> Iterator[str]:
    """Yield a line for every vulnerability, and for every package that could not be asked about."""
    for package in report["dependencies"]:
        if "skip_reason" in package:
            yield f"{package['name']}: not audited ({package['skip_reason']})"
        for known in package.get("vulns", ()):
            fixed = ", ".join(known["fix_versions"]) or "no version yet"
            yield f"{package['name']} {package['version']}: {known['id']}, mended in {fixed}"


def audit(constraints: Path, exceptions: list[Accepted]) -> dict[str, Any] | str:
    """Return what pip-audit reports, or in one line why it cannot."""
    ignored = [part for each in exceptions for part in ("--ignore-vuln", each.id)]
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(constraints), "--no-deps"]
    quiet = ["--disable-pip", "--progress-spinner", "off", "--format", "json", "--timeout", "15"]
    done = subprocess.run([*command, *quiet, *ignored], capture_output=True, text=True, check=False)
    try:
        report: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        said = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        return said[-1][:200] if said else f"pip-audit ended with {done.returncode}"
    skipped = [package["skip_reason"] for package in report["dependencies"] if "skip_reason" in package]
    return skipped[0][:200] if len(skipped) == len(report["dependencies"]) else report


def main() -> int:
    """Audit; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "constraints", type=Path, nargs="?", default=CONSTRAINTS, help="versions to ask about"
    )
    given = parser.parse_args()
    exceptions = accepted(EXCEPTIONS.read_text("utf-8"))
    report = audit(given.constraints, exceptions)
    if isinstance(report, str):
        print(f"audit: nothing was audited, the service does not know or answer: {report}", file=sys.stderr)
        return UNREACHABLE
    lines = [*findings(report), *over(exceptions, today=datetime.date.today())]
    for line in lines:
        print(f"audit: {line}", file=sys.stderr)
    print(
        f"audit: {len(report['dependencies'])} packages, {len(lines)} findings, {len(exceptions)} exceptions"
    )
    return FOUND if lines else 0


if __name__ == "__main__":
    sys.exit(main())
