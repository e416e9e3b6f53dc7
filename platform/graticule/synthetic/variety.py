"""Presets drawn at random, so that a network learns particles and not one microscope's habits."""

import numpy as np

from graticule.synthetic.presets import REFERENCE_AREA_PX, Preset

RADIUS_PX = (2.5, 40.0)
"""Range of mean radii."""
CONTRAST = (0.08, 0.8)
"""Range of what the middle of a mean particle takes away from the beam."""
VISIBILITY = (3.0, 150.0)
"""Range of contrast times radius over the noise of a pixel; `hard` has 4, `medium` 17, `easy` 90."""
COVERAGE = (0.03, 0.45)
"""Range of the share of the view that particles cover; with more than half, they would not find room."""
_PARTICLES = (3.0, 4000.0)
_DOSE = (4.0, 5000.0)


def varied(rng: np.random.Generator) -> Preset:
    """Return a preset with sizes, numbers, contrast and dose anywhere in the ranges above.

    Radius, contrast and visibility are drawn evenly in their logarithms, coverage evenly; the
    dose follows from the first three.
    """
    radius, contrast, visibility = (_log_uniform(rng, span) for span in (RADIUS_PX, CONTRAST, VISIBILITY))
    coverage = rng.uniform(*COVERAGE)
    return Preset(
        particles=float(np.clip(coverage * REFERENCE_AREA_PX / (np.pi * radius**2), *_PARTICLES)),
        radius_px=radius,
        size_sigma=float(rng.uniform(0.05, 0.5)),
        dose=float(np.clip((visibility / (contrast * radius)) ** 2, *_DOSE)),
        contrast_length_px=-2 * radius / float(np.log1p(-contrast)),
        step_px=float(rng.uniform(0.2, 1.5)),
        drift_px=float(rng.uniform(0.0, 1.5)),
        gradient=float(rng.uniform(0.0, 0.9)),
        ripening=float(rng.uniform(0.0, 0.003)),
        meeting_rate=float(rng.uniform(0.0, 0.006)),
        film_contrast=float(rng.uniform(0.01, 0.12)),
    )


def _log_uniform(rng: np.random.Generator, span: tuple[float, float]) -> float:
    return float(np.exp(rng.uniform(*np.log(span))))
