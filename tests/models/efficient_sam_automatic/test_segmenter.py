import pickle

import numpy as np
import pytest
import torch

from graticule.core.segmenter import Patch
from graticule.models.efficient_sam.automatic.select import Criteria
from graticule.models.efficient_sam.config import EfficientSamConfig
from graticule.models.efficient_sam.network import EfficientSamNetwork
from graticule.models.efficient_sam.segmenter import EfficientSam
from graticule.models.weights import save_weights
from graticule.tiling import segment_frames
from models.efficient_sam_automatic.oracle import Oracle, discs, least_iou, sam, segmented

APART = (60, 60, 14), (60, 150, 9), (170, 70, 20), (190, 190, 12)
TOUCHING = (100, 90, 16), (100, 121, 16)
GRID = {"prompts": "grid", "points_per_side": 20}


@pytest.mark.parametrize("options", [{}, GRID], ids=["proposals", "grid"])
@pytest.mark.parametrize("places", [APART, TOUCHING], ids=["apart", "touching"])
def test_every_particle_becomes_one_instance_and_the_gap_none(options, places):
    image, truth = discs((256, 256), *places)
    found = segmented(sam(**options), image)
    assert found.labels.max() == len(places)
    assert least_iou(found.labels[0], truth) > 0.95


def test_touching_particles_stay_one_where_they_are_not_to_be_parted():
    image, _ = discs((256, 256), *TOUCHING)
    assert segmented(sam(split=False, **GRID), image).labels.max() == 1


def test_a_particle_whose_whole_cluster_scores_better_is_still_parted():
    image, truth = discs((256, 256), *TOUCHING)
    found = segmented(sam(Oracle(iou=(0.8, 0.87, 0.99))), image)
    assert least_iou(found.labels[0], truth) > 0.95


def test_bright_particles_are_found_like_dark_ones():
    image, _ = discs((256, 256), *APART)
    dark, bright = segmented(sam(), image), segmented(sam(polarity="bright"), 250 - image)
    assert np.array_equal(dark.labels, bright.labels)


def test_masks_below_the_least_predicted_iou_are_not_kept():
    image, _ = discs((256, 256), *APART)
    assert segmented(sam(predicted_iou=0.97), image).labels.max() == 0


def test_particles_below_the_least_diameter_are_left_out():
    image, _ = discs((256, 256), *APART)
    assert segmented(sam(min_diameter_px=22.0), image).labels.max() == 3


@pytest.mark.parametrize("options", [{"chunk": 1}, {"chunk": 32}, {"batch": 4}])
def test_neither_chunk_nor_batch_nor_other_frames_change_the_labels(options):
    one, other = discs((256, 256), *APART)[0], discs((256, 256), *TOUCHING)[0]
    alone = segmented(sam(), one).labels[0]
    assert np.array_equal(segmented(sam(**options), other, one).labels[1], alone)


def test_a_particle_seen_by_several_views_is_one_instance():
    image, truth = discs((300, 420), (150, 215, 12), (240, 240, 12), (60, 200, 15), (200, 30, 10))
    found = segmented(sam(**GRID), image)
    assert found.labels.max() == 4
    assert least_iou(found.labels[0], truth) > 0.95


def test_a_particle_wider_than_the_views_overlap_is_one_instance():
    image, truth = discs((256, 420), (130, 210, 60))
    found = segmented(sam(prompts="grid", points_per_side=6, scale_px=40.0), image)
    assert found.labels.max() == 1
    assert least_iou(found.labels[0], truth) > 0.95


@pytest.mark.parametrize("tile", [160, 256])
def test_tiles_give_what_the_whole_frame_gives(tile):
    rng = np.random.default_rng(0)
    places = [(y, x, rng.uniform(7, 12)) for y in range(20, 300, 42) for x in range(20, 300, 42)]
    image, truth = discs((320, 320), *places)
    whole = segment_frames(sam(view_px=256), image[None], tile=1000)[0]
    tiled = segment_frames(sam(view_px=256), image[None], tile=tile)[0]
    assert whole.max() == tiled.max() == len(places)
    assert min(least_iou(whole, truth), least_iou(tiled, truth)) > 0.95
    assert np.array_equal(whole, tiled)


@pytest.mark.parametrize("shape", [(1, 300), (40, 1), (1, 1), (17, 90)])
def test_frames_smaller_than_a_view_are_segmented(shape):
    frame = np.random.default_rng(0).integers(0, 60_000, shape).astype(np.uint16)
    for options in ({}, GRID):
        found = segmented(sam(**options), frame)
        assert found.labels.shape == (1, *shape)
        assert np.isfinite(found.foreground).all()


@pytest.mark.parametrize("value", [0.0, 7.0, np.nan])
def test_frames_without_an_image_are_empty_and_no_weights_are_asked_for(value):
    segmenter = EfficientSam(EfficientSam.Options(weights="/no/such/file"))
    frame = np.full((40, 50), 0.0 if np.isnan(value) else value, np.float32)
    frame[3, 4] = value
    assert segmented(segmenter, frame).labels.max() == 0


def test_sixteen_bits_give_the_same_labels_as_floats():
    image, _ = discs((256, 256), *APART)
    wide = (image.round() * 200).astype(np.uint16)
    assert np.array_equal(segmented(sam(), wide).labels, segmented(sam(), wide.astype(np.float32)).labels)


def test_foreground_is_likelier_than_not_on_labels_and_zero_outside_the_trusted_box():
    image, _ = discs((256, 256), *APART)
    segmenter, trusted = sam(), (slice(40, 200), slice(30, 220))
    found = segmenter.segment(Patch(pixels=image[None], trusted=trusted), [segmenter.measure(image)])
    inside = found.foreground[0][trusted]
    assert (inside[found.labels[0][trusted] > 0] >= 0.5).all()
    assert (inside[found.labels[0][trusted] == 0] <= 0.5).all()
    found.labels[0][trusted] = 0
    found.foreground[0][trusted] = 0
    assert not found.labels.any()
    assert not found.foreground.any()


def test_between_two_views_the_caller_computes_with_gradients_again():
    segmenter = sam(dtype="bfloat16")
    image, _ = discs((256, 256), *APART)
    patch = Patch(pixels=image[None], trusted=(slice(0, 256),) * 2)
    work = segmenter._tasks(patch, [segmenter.measure(image)])
    criteria = Criteria(predicted_iou=0.5, stability=0.5, min_diameter_px=0.0)
    for _, found in segmenter.machine.candidates(work, criteria):
        assert found
        assert not torch.is_inference_mode_enabled()
        assert not torch.is_autocast_enabled("cpu")


def test_a_segmenter_travels_without_its_network():
    image, _ = discs((256, 256), *APART)
    segmenter = sam()
    segmented(segmenter, image)
    assert len(pickle.dumps(segmenter)) < 10_000
    assert pickle.loads(pickle.dumps(segmenter)).options == segmenter.options


def test_semantic_mode_gives_one_foreground_mask_parted_at_necks():
    image, truth = discs((256, 256), *APART, (100, 230, 10), (100, 249, 10))
    found = segmented(sam(mode="semantic"), image)
    assert found.labels.max() == 6
    assert least_iou(found.labels[0], truth) > 0.9


def test_adapting_leaves_nothing_open_and_repeats():
    frames = [discs((300, 280), *APART)[0] for _ in range(3)]
    options = EfficientSam.Options(mode="automatic", weights_sha256="0" * 64)
    once = EfficientSam.adapted(options, iter(frames))
    assert once.polarity == once.detector.polarity == "dark"
    assert once.view_px == 300
    assert "auto" not in {once.scale_px, once.min_diameter_px, once.margin_px}
    assert "auto" not in dict(once.detector).values()
    assert EfficientSam.adapted(once, iter(frames)) == once
    assert EfficientSam.Options.model_validate(once.model_dump()) == once


def test_small_particles_get_smaller_views():
    rng = np.random.default_rng(1)
    image, _ = discs((400, 400), *((*at, 2.5) for at in rng.uniform(0, 400, (100, 2))))
    noisy = image + rng.normal(0, 5, image.shape).astype(np.float32)
    options = EfficientSam.Options(mode="automatic", weights_sha256="0" * 64)
    assert EfficientSam.adapted(options, [noisy]).view_px < 350


def test_adapting_to_frames_without_an_image_still_gives_numbers():
    options = EfficientSam.Options(mode="automatic", weights_sha256="0" * 64)
    for value in (np.nan, 0.0):
        adapted = EfficientSam.adapted(options, [np.full((20, 30), value, np.float32)])
        assert EfficientSam(adapted).view_px == 30


@pytest.mark.parametrize("semantic", [True, False])
def test_the_mode_is_what_the_weights_were_tuned_for_unless_asked_for(tmp_path, semantic):
    config = EfficientSamConfig(width=24, depth=1, heads=1, semantic=semantic)
    weights = tmp_path / "tiny.safetensors"
    network = EfficientSamNetwork(config)
    save_weights(weights, "efficient-sam-ti", config, network)
    tuned = "semantic" if semantic else "automatic"
    image, _ = discs((256, 256), *APART)

    def adapted(**options):
        return EfficientSam.adapted(EfficientSam.Options(weights=str(weights), **options), [image]).mode

    assert adapted() == tuned
    assert adapted(mode="automatic") == "automatic"
    assert EfficientSam(EfficientSam.Options(), network=network).options.mode == tuned
