"""Footage of simulated sintering movies, livelier than those that are tracked.

Simulated as small as they can be: one movie serves a few clips, and its particles are drawn
about as large as the clips show them.
"""

from dataclasses import replace

import numpy as np

from graticule.synthetic.presets import Preset
from graticule.synthetic.simulation import simulate
from graticule.training.recipe import Clips
from graticule.training.sequences.footage import Footage, log_uniform
from graticule.training.sources.prepare import prepared

ZOOM = (0.6, 3.5)
"""Range of the magnification of clips."""
SPARE = 1.4
"""Edge of the simulated view, relative to that of a clip."""
SPARE_FRAMES = 3
"""Simulated beyond the longest clip."""
STEP_RADII = (0.01, 0.35)
"""Range of a particle's own random step, in mean radii per frame."""
DRIFT_RADII = (0.005, 0.3)
"""Range of the speed of the specimen, likewise."""
MEETING_RATE = (0.001, 0.02)
"""Range of the chance to set out for a neighbour; all three are drawn evenly in their logarithms."""
_STREAM = 7


def simulated(preset: Preset, clips: Clips, *, size: int, seed: int) -> Footage:
    """Return footage of a simulated movie.

    Args:
        preset: Of the movie; its motion is drawn anew, anywhere in the ranges above.
        clips: What clips are to be like.
        size: Edge of a clip, in pixels.
        seed: Of all that is drawn, from 0.
    """
    rng = np.random.default_rng([seed, _STREAM])
    zoom = float(np.clip(log_uniform(rng, clips.diameter) / (2 * preset.radius_px), *ZOOM))
    view = int(np.ceil(SPARE * size / zoom))
    length = clips.stride * (clips.frames - 1) + SPARE_FRAMES
    frames, ids = [], []
    for frame in simulate(_lively(preset, rng), frames=length, size=view, seed=seed):
        frames.append(prepared(frame.image, dark=True, where=f"simulated movie {seed}"))
        ids.append(np.concatenate([[0], frame.tracks]).astype(np.int32)[frame.labels])
    return Footage(frames=np.stack(frames), ids=np.stack(ids), zoom=zoom)


def _lively(preset: Preset, rng: np.random.Generator) -> Preset:
    return replace(
        preset,
        step_px=preset.radius_px * log_uniform(rng, STEP_RADII),
        drift_px=preset.radius_px * log_uniform(rng, DRIFT_RADII),
        meeting_rate=log_uniform(rng, MEETING_RATE),
    )
