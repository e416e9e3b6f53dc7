"""The audit says what it knows, and that it knows nothing where it could not ask."""

import datetime
import os
import re
import subprocess
import sys
from pathlib import Path

from audit import CONSTRAINTS, EXCEPTIONS, accepted, findings, over

SCRIPT = Path(__file__).parents[2] / "infra" / "audit.py"
EXCEPTION = """
[[exception]]
id = "PYSEC-2026-1"
package = "numpy"
reason = "only where arrays of objects are read, which graticule never does"
until = 2026-12-01
"""
MONTHS = datetime.timedelta(days=184)


def test_an_audit_that_cannot_ask_is_no_audit(tmp_path):
    (tmp_path / "one.txt").write_text("numpy==2.4.6\n")
    nowhere = {"HTTPS_PROXY": "http://127.0.0.1:1", "https_proxy": "http://127.0.0.1:1"}
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(tmp_path / "one.txt")],
        env={**os.environ, **nowhere},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert re.fullmatch(r"audit: nothing was audited, the service does not know or answer: .+\n", done.stderr)


def test_what_is_known_and_what_was_not_asked_about_are_findings():
    known = {"id": "PYSEC-2026-1", "fix_versions": ["2.5"], "aliases": [], "description": ""}
    report = {
        "dependencies": [
            {"name": "numpy", "version": "2.4.6", "vulns": [known]},
            {"name": "scipy", "version": "1.17.1", "vulns": []},
            {"name": "strange", "skip_reason": "not found"},
        ]
    }
    assert list(findings(report)) == [
        "numpy 2.4.6: PYSEC-2026-1, mended in 2.5",
        "strange: not audited (not found)",
    ]


def test_an_exception_counts_until_its_day():
    [one] = accepted(EXCEPTION)
    assert list(over([one], today=datetime.date(2026, 12, 1))) == []
    [line] = over([one], today=datetime.date(2026, 12, 2))
    assert line == "the exception for PYSEC-2026-1 of numpy ended on 2026-12-01; look at it again"


def test_our_exceptions_have_reasons_are_of_what_is_pinned_and_end_within_half_a_year():
    pinned = {line.partition("==")[0] for line in CONSTRAINTS.read_text().splitlines()}
    for each in accepted(EXCEPTIONS.read_text()):
        assert len(each.reason) > 20
        assert each.package in pinned
        assert each.until <= datetime.date.today() + MONTHS
    assert list(over(accepted(EXCEPTIONS.read_text()), today=datetime.date.today())) == []


def test_every_version_is_pinned_exactly_and_once():
    lines = CONSTRAINTS.read_text().splitlines()
    names = [line.partition("==")[0] for line in lines]
    assert all(re.fullmatch(r"[a-z0-9.\-]+==[0-9][\w.+!]*", line) for line in lines)
    assert len(set(names)) == len(names)
