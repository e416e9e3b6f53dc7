import numpy as np
import torch

from graticule.tracking.deaot.memory import ObjectMemory
from graticule.tracking.deaot.propagation import Kept


def frame(*looks):
    """Tokens of a frame whose keys are unit vectors in the directions named."""
    keys = torch.zeros(1, len(looks), 128)
    for token, look in enumerate(looks):
        keys[0, token, look] = 1
    value = torch.zeros(1, len(looks), 512)
    return (Kept(keys, value, value),)


def looks(memory):
    return sorted(memory.tokens()[0].key[0].argmax(1).tolist())


BACKGROUND, ONE = -1, 1
OWNERS = np.array([BACKGROUND, ONE])


def test_an_object_keeps_its_newest_and_its_most_different_sights():
    memory = ObjectMemory(views=2)
    for look in (5, 9, 5, 5):
        memory.add(frame(0, look), OWNERS, np.array([ONE]))
    assert looks(memory) == [0, 5, 9]


def test_memory_does_not_grow_with_the_frames():
    memory = ObjectMemory(views=3)
    sizes = []
    for look in range(1, 30):
        memory.add(frame(0, look), OWNERS, np.array([ONE]))
        sizes.append(len(memory))
    assert sizes[2:] == [4] * 27


def test_background_is_that_of_one_frame():
    memory = ObjectMemory(views=3)
    memory.add(frame(7, 1), OWNERS, np.array([ONE]))
    memory.add(frame(8, 2), OWNERS, np.array([ONE]))
    assert looks(memory) == [1, 2, 8]


def test_what_is_forgotten_leaves_no_tokens():
    memory = ObjectMemory(views=3)
    memory.add(frame(7, 1), OWNERS, np.array([ONE]))
    memory.forget([ONE, 99])
    assert looks(memory) == [7]
