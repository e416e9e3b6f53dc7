"""What CHANGELOG.md says of releases."""

import re
from pathlib import Path

CHANGELOG = Path(__file__).parents[1] / "CHANGELOG.md"
_HEADING = re.compile(r"^## (\d+\.\d+\.\d+) – (\d{4}-\d{2}-\d{2})$", re.MULTILINE)


def releases() -> list[tuple[str, str]]:
    """Return version and date of each release, the newest first."""
    return _HEADING.findall(CHANGELOG.read_text())


def newest() -> str:
    """Return the version released last."""
    return releases()[0][0]
