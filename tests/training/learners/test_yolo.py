"""What YOLOv8n-seg is told of drawn instances."""

import time

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from graticule.models.yolo.loss import targets_of
from training.tiny import batch_of, learner_of, recipe_of


@settings(deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1), height=st.integers(1, 6), width=st.integers(1, 6), most=st.integers(0, 5)
)
def test_boxes_are_those_of_each_instance_in_order(seed, height, width, most):
    size = 4 * height, 4 * width
    rng = np.random.default_rng(seed)
    labels = torch.from_numpy(rng.integers(0, most + 1, (2, *size)) * (rng.random((2, *size)) < 0.2))
    targets = targets_of(labels)
    image, boxes = [], []
    for index, frame in enumerate(labels):
        for number, label in enumerate(frame[frame > 0].unique()):
            y, x = (frame == label).nonzero(as_tuple=True)
            y0, y1, x0, x1 = y.min(), y.max() + 1, x.min(), x.max() + 1
            boxes.append(
                [(x0 + x1) / 2 / size[1], (y0 + y1) / 2 / size[0], (x1 - x0) / size[1], (y1 - y0) / size[0]]
            )
            image.append(index)
            votes = (frame == label).reshape(height, 4, width, 4).sum(dim=(1, 3))
            small = targets.masks[index] == number + 1
            assert small[votes > 8].all()
            assert not small[votes == 0].any()
    assert targets.image.tolist() == image
    torch.testing.assert_close(targets.boxes, torch.tensor(boxes).reshape(-1, 4))


def test_targets_of_many_particles_take_no_time():
    labels = torch.arange(150).repeat_interleave(2048)[: 512 * 512].reshape(1, 512, 512)
    began = time.process_time()
    assert len(targets_of(labels).image) == int(labels.max())
    assert time.process_time() - began < 0.5


def test_each_connected_body_is_an_instance_where_touching_particles_are_not_parted():
    made = learner_of(recipe_of("yolov8n-seg")).train()
    whole = batch_of(128, 1, parted=False)
    torch.testing.assert_close(made(whole)[0], made(whole._replace(parted=~whole.parted))[0])


def test_the_parts_of_the_loss_are_those_of_this_network():
    _, parts = learner_of(recipe_of("yolov8n-seg"))(batch_of(128, 1))
    assert set(parts) == {"box", "seg", "cls", "dfl"}
