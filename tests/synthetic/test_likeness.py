"""Simulated frames measure like real ones of the same particle size."""

import numpy as np
import pytest
from scipy import ndimage
from skimage.io import imread
from skimage.transform import downscale_local_mean

from graticule.synthetic import simulate

pytestmark = pytest.mark.shared_data
REDUCTION = 3  # em4's particles are then as large as those of ``easy``


def contrast_and_grain(image, particles):
    """Contrast over the film's deviation; correlation of film pixels 1 and 2 apart."""
    near = ndimage.binary_dilation(particles, iterations=4)
    inner = ndimage.binary_erosion(particles, iterations=3)
    flat = image - ndimage.gaussian_filter(image, 12)
    film = ~near
    contrast = (image[film].mean() - image[inner].mean()) / flat[film].std()
    spread = flat[film].var()
    apart = [(flat[:, k:] * flat[:, :-k])[film[:, k:] & film[:, :-k]].mean() / spread for k in (1, 2)]
    return np.array([contrast, *apart])


def real(shared_data):
    folder = shared_data / "em4" / "train"
    for path in sorted((folder / "images").iterdir())[:12]:
        image, mask = (
            imread(path).astype(float),
            imread(folder / "labels" / path.name.replace("image", "label")),
        )
        grey = [picture if picture.ndim == 2 else picture[..., 0] for picture in (image, mask)]
        particles = downscale_local_mean(grey[1] > 0, (REDUCTION, REDUCTION)) > 0.5
        yield contrast_and_grain(downscale_local_mean(grey[0], (REDUCTION, REDUCTION)), particles)


def simulated():
    for seed in range(4):
        frame = next(iter(simulate("easy", frames=1, size=512, seed=seed)))
        yield contrast_and_grain(frame.image.astype(float), frame.labels > 0)


def test_contrast_and_grain_of_easy_lie_within_those_of_em4(shared_data):
    theirs, ours = np.array(list(real(shared_data))), np.mean(list(simulated()), axis=0)
    assert theirs[:, 0].min() < ours[0] < 1.5 * theirs[:, 0].max()
    assert np.abs(ours[1:] - theirs[:, 1:].mean(axis=0)).max() < 0.25
