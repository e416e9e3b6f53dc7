import numpy as np
import pytest
from PIL import Image

from graticule import models
from graticule.evaluation.masks import iou
from graticule.tiling import segment_frames

pytestmark = pytest.mark.shared_data
LABELLED = (1, 20, 39, 58, 77, 96)


def grey(path):
    return np.asarray(Image.open(path).convert("RGB").convert("L"), np.float32)


def em4(root):
    images, labels = (sorted((root / "em4" / "test" / kind).glob("*.png")) for kind in ("images", "labels"))
    return [(grey(image), grey(label) > 127) for image, label in zip(images, labels, strict=True)]


def au750(root):
    names = [f"frame_{number:03d}.png" for number in LABELLED]
    return [(grey(root / "au750/frames" / n), grey(root / "au750/masks" / n) > 0) for n in names]


def mean_iou(pairs, options):
    segmenter = models.create("threshold", **options)
    return np.mean([iou(segment_frames(segmenter, image[None])[0] > 0, truth) for image, truth in pairs])


def plain(sigma, background):
    return {
        "sigma_px": sigma,
        "background_px": background,
        "polarity": "dark",
        "min_diameter_px": 0.0,
        "margin_px": 64,
    }


def test_em4_is_reproduced_by_the_threshold_its_labels_follow(shared_data):
    assert mean_iou(em4(shared_data), plain(5.0, None)) >= 0.996


def test_au750_reaches_what_an_untuned_threshold_can(shared_data):
    assert mean_iou(au750(shared_data), plain(1.0, 8.0)) >= 0.84


@pytest.mark.parametrize(("movie", "least"), [(em4, 0.98), (au750, 0.845)])
def test_options_left_to_adapt_themselves_come_close(shared_data, movie, least):
    pairs = movie(shared_data)
    assert mean_iou(pairs, models.adapt("threshold", {}, [image for image, _ in pairs])) >= least


def test_a_few_dark_particles_on_a_strong_gradient_are_told_from_noise(shared_data):
    files = sorted((shared_data / "lptem/frames").glob("*"))[::50]
    frames = np.stack([grey(file) for file in files])
    options = models.adapt("threshold", {}, list(frames))
    assert options["polarity"] == "dark"
    counts = segment_frames(models.create("threshold", **options), frames, tile=1024).max(axis=(1, 2))
    assert ((counts >= 3) & (counts <= 25)).all()
