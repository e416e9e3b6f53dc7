"""A loaded model answers images in batches as it answers them one by one."""

import numpy as np
import pytest

from graticule import models
from graticule.synthetic import simulate
from graticule.tiling import segment_frames
from serve.contract import Prompts
from serve.deadline import Deadline
from serve.found import Asked
from serve.naming import ModelKey
from serve.networks import Model
from serve.problems import Problem
from threads import one_thread
from weights_on_disk import frames

__all__ = ["one_thread"]


def model_of(lively, case: str) -> Model:
    name, options = lively(case)
    return Model(ModelKey(network=name, weights=options["weights"]))


@pytest.mark.parametrize("case", ["swin-unet", "vmamba", "yolov8n-seg"])
def test_a_batch_of_many_shapes_is_answered_as_one_by_one(lively, case):
    model = model_of(lively, case)
    images = [model.prepare(image) for size in (64, 96) for image in frames(2, size=size)]
    alone = [model.segment([image])[0] for image in images]
    together = model.segment(images)
    for one, same in zip(alone, together, strict=True):
        assert np.array_equal(one.labels, same.labels)
        assert np.array_equal(one.scores, same.scores)


def test_images_that_go_through_the_network_by_themselves_wait_for_no_others(lively):
    one, other = frames(2, size=64)
    threshold, swin = Model(ModelKey(network="threshold")), model_of(lively, "swin-unet")
    assert threshold.prepare(one).kind != threshold.prepare(other).kind
    assert swin.prepare(one).kind == swin.prepare(other).kind


def test_particles_of_a_batch_are_numbered_as_they_are_one_by_one():
    images = [frame.image for frame in simulate("medium", frames=2, size=256, seed=1)]
    model = Model(ModelKey(network="swin-unet"))
    prepared = [model.prepare(image) for image in images]
    together = model.segment(prepared)
    assert min(found.labels.max() for found in together) > 10
    for image, found in zip(prepared, together, strict=True):
        assert np.array_equal(model.segment([image])[0].labels, found.labels)


def test_labels_are_those_of_the_pipeline_for_images_larger_than_a_tile(monkeypatch):
    from importlib import import_module

    networks = import_module("serve.networks")
    monkeypatch.setattr(networks, "fitting_tile", lambda _: 96)
    [image] = frames(1, size=256)
    model = Model(ModelKey(network="threshold"))
    [found] = model.segment([model.prepare(image)])
    segmenter = models.create("threshold", **models.adapt("threshold", {}, [image]))
    assert np.array_equal(found.labels, segment_frames(segmenter, image[None], tile=96)[0])
    assert len(found.scores) == found.labels.max()


def test_work_that_nobody_waits_for_is_not_done(lively):
    model = model_of(lively, "swin-unet")
    one, other = frames(2, size=64)
    late, still = model.prepare(one, deadline=Deadline(0)), model.prepare(other, deadline=Deadline(60))
    told, found = model.segment([late, still])
    assert isinstance(told, Problem)
    assert told.status == 504
    assert found.labels.shape == (64, 64)


def test_prompts_are_answered_in_their_order_and_keep_their_names(lively):
    model = model_of(lively, "efficient-sam-ti")
    [image] = frames(1, size=64)
    embedded = model.embedding(image)
    answer = model.prompted(embedded, Prompts(points=[(9, 9, 0), (20, 30, 1)], boxes=[(10, 12, 30, 40)]))
    assert [body.prompt for body in answer.bodies] == ["point 1", "box 0"]
    assert not answer.notes


def holds(body: Asked, y: int, x: int) -> bool:
    top, left = body.corner
    inside = 0 <= y - top < body.mask.shape[0] and 0 <= x - left < body.mask.shape[1]
    return inside and bool(body.mask[y - top, x - left])


def place_in(body: Asked, *, away_from: tuple[int, int]) -> tuple[int, int]:
    """Return the body's pixel that lies farthest from a place."""
    places = np.argwhere(body.mask) + body.corner
    y, x = places[np.abs(places - away_from).sum(axis=1).argmax()]
    return int(y), int(x)


def test_a_point_outside_is_in_no_mask(lively):
    model = model_of(lively, "efficient-sam-ti")
    [image] = frames(1, size=64)
    embedded = model.embedding(image)
    asked = (20, 30, 1)
    [alone] = model.prompted(embedded, Prompts(points=[asked])).bodies
    y, x = place_in(alone, away_from=(30, 20))
    answer = model.prompted(embedded, Prompts(points=[asked, (x, y, 0)]))
    assert answer.bodies or answer.notes
    assert not any(holds(body, y, x) for body in answer.bodies)


def test_particles_that_are_said_to_be_bright_look_like_dark_ones_of_the_negative(lively):
    model = model_of(lively, "efficient-sam-ti")
    [image] = frames(1, size=64)
    negative = image.max() - image + image.min()
    dark, bright = model.embedding(image, polarity="dark"), model.embedding(negative, polarity="bright")
    assert np.allclose(dark.features, bright.features, atol=1e-4)
    assert not np.allclose(dark.features, model.embedding(image, polarity="bright").features, atol=1e-2)


def test_masks_that_take_too_much_memory_are_refused(lively, monkeypatch):
    monkeypatch.setattr("serve.networks._MOST_MASK_BYTES", 1)
    model = model_of(lively, "efficient-sam-ti")
    embedded = model.embedding(frames(1, size=64)[0])
    with pytest.raises(Problem, match="ask for fewer at once"):
        model.prompted(embedded, Prompts(points=[(30, 20, 1), (20, 30, 1)]))


def test_another_network_takes_no_prompts():
    with pytest.raises(Problem, match="takes no prompts"):
        Model(ModelKey(network="threshold")).embedding(np.zeros((64, 64), np.uint8))


def test_a_prompt_beyond_the_image_is_refused(lively):
    model = model_of(lively, "efficient-sam-ti")
    embedded = model.embedding(frames(1, size=64)[0])
    with pytest.raises(Problem, match="outside of the image of 64 x 64"):
        model.prompted(embedded, Prompts(points=[(64, 0, 1)]))
