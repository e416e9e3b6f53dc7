"""A process that dies, or a mistake in it, costs its own row alone."""

import os
import signal
from dataclasses import dataclass

import pytest

from graticule.training.comparison.apart import one_by_one
from graticule.training.comparison.entrants import Entrant


@dataclass(frozen=True)
class Ending:
    """Work that does not come to a result."""

    how: str
    entrant: Entrant = Entrant(name="threshold", network="threshold")

    def __call__(self):
        if self.how == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        raise ZeroDivisionError("by a mistake of ours")


@pytest.mark.parametrize(
    ("how", "says"),
    [("killed", "signal 9.*too little memory"), ("raised", "ZeroDivisionError: by a mistake")],
)
def test_work_that_ends_badly_is_trouble(how, says):
    [measured] = one_by_one([Ending(how)])
    with pytest.raises(AssertionError, match=says):
        assert not measured.trouble, measured.trouble
