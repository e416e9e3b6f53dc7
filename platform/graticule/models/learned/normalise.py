"""Grey levels as every network sees them: 0 to 1 over the frame's range, particles dark.

Training and inference both come through here, so that a network meets what it has learnt.
"""

import numpy as np
from jaxtyping import Float, Float32, Num

from graticule.core.segmenter import Statistics

TAIL = 0.005
"""Share of the pixels at either end of the grey levels that says nothing of the range."""
SAMPLE_PIXELS = 2**22
_GAP = 0.5


def measure_frame(frame: Num[np.ndarray, "y x"]) -> Statistics:
    """Return the grey levels ``low`` and ``high`` that become 0 and 1.

    They are the quantiles :data:`TAIL` and 1 - :data:`TAIL` of at most :data:`SAMPLE_PIXELS`
    pixels on a regular grid, so hot and dead pixels do not count; nor does a beam stop or a
    rim without image: pixels at 0 or at the type's largest value, where these are many and
    stand apart from all others. Where nearly all pixels are equal, the range is centred on
    them, so that the background is grey whatever stands out of it.

    ``empty`` marks a frame that cannot be segmented; ``not_finite`` or ``blank`` says why.
    """
    if not np.isfinite(frame).all():
        return {"empty": 1.0, "not_finite": 1.0}
    least, most = float(frame.min()), float(frame.max())
    if least == most:
        return {"empty": 1.0, "blank": 1.0}
    sample = _sampled(frame)
    low, high = _tails(_with_signal(sample, frame.dtype))
    if low == high:
        reach = max(most - low, low - least)
        low, high = low - reach, low + reach
    return {"empty": 0.0, "low": low, "high": high}


def normalised(
    pixels: Num[np.ndarray, "*shape"], statistics: Statistics, *, dark: bool
) -> Float32[np.ndarray, "*shape"]:
    """Return ``pixels`` in 0 to 1 with dark particles.

    Args:
        pixels: Of one frame, all or part of it.
        statistics: What :func:`measure_frame` gave for that frame; not one marked empty.
        dark: Whether the particles are darker than the background; if not, black and white
            change places.
    """
    low, high = statistics["low"], statistics["high"]
    scaled = np.subtract(pixels, low, dtype=np.float64)
    scaled /= high - low
    np.clip(scaled, 0.0, 1.0, out=scaled)
    return np.asarray(scaled if dark else 1.0 - scaled, np.float32)


def _sampled(frame: np.ndarray) -> Float[np.ndarray, " n"]:
    step = max(1, int(np.ceil(np.sqrt(frame.size / SAMPLE_PIXELS))))
    return np.asarray(frame[::step, ::step].ravel(), np.float64)


def _tails(values: np.ndarray) -> tuple[float, float]:
    low, high = np.quantile(values, [TAIL, 1 - TAIL])
    return float(low), float(high)


def _with_signal(sample: np.ndarray, dtype: np.dtype) -> Float[np.ndarray, " n"]:
    """Return the sample without what shows no signal, if it stands apart from the rest."""
    ends = [0.0, float(np.iinfo(dtype).max)] if np.issubdtype(dtype, np.integer) else [0.0]
    for end in ends:
        rest = sample[sample != end]
        if not 0 < rest.size < (1 - TAIL) * sample.size:
            continue
        low, high = _tails(rest)
        gap = max(low - end, end - high)
        if high > low and gap > _GAP * (high - low):
            sample = rest
    return sample
