import os
import signal
import time

import pytest

from graticule.core.ending import ended_by_signals


def told_to_end() -> None:
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(1)


def test_a_signal_to_end_is_an_interruption_within_the_block_only():
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), ended_by_signals():
        told_to_end()
    assert signal.getsignal(signal.SIGTERM) == before
