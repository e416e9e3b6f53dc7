"""Command lines as a user types them, run in this process."""

from dataclasses import dataclass

import pytest

from graticule.cli import main


@dataclass(frozen=True)
class Done:
    """A command that ended."""

    status: int
    out: str
    err: str


def status_of(*arguments: object) -> int:
    """Run a command line; return its exit status."""
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return int(ended.value.code or 0)


def typed(*arguments: object, capsys: pytest.CaptureFixture, caplog: pytest.LogCaptureFixture) -> Done:
    """Run a command line; what is logged counts as printed on stderr."""
    capsys.readouterr()
    caplog.clear()
    status = status_of(*arguments)
    printed = capsys.readouterr()
    return Done(status, printed.out, printed.err + caplog.text)
