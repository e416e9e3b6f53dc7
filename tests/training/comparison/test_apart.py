"""A process that dies, or a mistake in it, costs its own row alone."""

import re

import pytest

from ending_badly import Ending
from graticule.training.comparison.apart import one_by_one
from graticule.training.comparison.entrants import Entrant

THRESHOLD = Entrant(name="threshold", network="threshold")


@pytest.mark.parametrize(
    ("how", "says"), [("killed", "signal 9.*too little memory"), ("raised", "ZeroDivisionError: by")]
)
def test_work_that_ends_badly_is_trouble(how, says):
    [measured] = one_by_one([Ending(how=how, entrant=THRESHOLD, sets=())])
    assert re.search(says, measured.trouble)
