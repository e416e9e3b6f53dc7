"""Memory counts while something is segmented, and not what is read and scored in between."""

import os
import subprocess
import sys

import pytest

MIB = 2**20
ALONE = """
import numpy as np, torch
from graticule.training.comparison.memory import Watch

watch = Watch(torch.device("cpu"))
between = np.ones(256 * 2**20, np.uint8)
del between
with watch.watching():
    within = np.ones(64 * 2**20, np.uint8)
print(watch.above())
"""


@pytest.mark.skipif(not os.access("/proc/self/clear_refs", os.W_OK), reason="peaks cannot be reset here")
def test_only_what_a_block_takes_counts():
    # in a process of its own: one that ran other tests gives memory back at any time
    answer = subprocess.run([sys.executable, "-c", ALONE], capture_output=True, text=True, check=True)
    assert 60 * MIB < int(answer.stdout) < 160 * MIB
