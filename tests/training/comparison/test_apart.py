"""A process that dies, or a mistake in it, costs its own row alone."""

import re
from dataclasses import dataclass

import pytest

from ending_badly import Ending
from graticule.core.errors import InputError
from graticule.training.comparison.apart import Task, one_by_one
from graticule.training.comparison.entrants import Entrant

THRESHOLD = Entrant(name="threshold", network="threshold")


@dataclass(frozen=True)
class Raising(Task[str]):
    """Comes to an error."""

    error: Exception
    name = "it"

    def failed(self, trouble):
        return f"{self.name}: {trouble}"

    def work(self):
        raise self.error


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (InputError("no such file\nlook there"), "it: no such file"),
        (OSError(), "it: OSError"),
        (MemoryError(), "it: MemoryError"),
    ],
)
def test_what_goes_wrong_is_told_by_its_first_line(error, says):
    assert Raising(error)() == says


def test_a_mistake_of_ours_is_not_hidden():
    with pytest.raises(ZeroDivisionError):
        Raising(ZeroDivisionError())()


@pytest.mark.parametrize(
    ("how", "says"), [("killed", "signal 9.*too little memory"), ("raised", "ZeroDivisionError: by")]
)
def test_work_that_ends_badly_is_trouble(how, says):
    [measured] = one_by_one([Ending(how=how, entrant=THRESHOLD, sets=())])
    assert re.search(says, measured.trouble)
