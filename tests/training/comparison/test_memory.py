"""Memory counts while something is segmented, and not what is read and scored in between."""

import os

import numpy as np
import pytest
import torch

from graticule.training.comparison.memory import Watch

MIB = 2**20


@pytest.mark.skipif(not os.access("/proc/self/clear_refs", os.W_OK), reason="peaks cannot be reset here")
def test_only_what_a_block_takes_counts():
    watch = Watch(torch.device("cpu"))
    between = np.ones(256 * MIB, np.uint8)
    assert between[-1] == 1
    del between
    with watch.watching():
        within = np.ones(64 * MIB, np.uint8)
    assert within[-1] == 1
    assert 60 * MIB < watch.above() < 160 * MIB
