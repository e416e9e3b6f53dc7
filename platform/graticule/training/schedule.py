"""How fast to learn: rise over the first steps, then fall as half a cosine.

Source: I. Loshchilov and F. Hutter 2017, SGDR, arXiv 1608.03983.
"""

from math import cos, pi


def learning_rate(step: int, *, steps: int, peak: float, warmup: int, final: float) -> float:
    """Return the learning rate of a step.

    Args:
        step: From 0.
        steps: How many there will be.
        peak: Largest rate, reached after ``warmup`` steps.
        warmup: Steps of linear rise; fewer than ``steps`` count.
        final: Share of ``peak`` that the last step comes near to.
    """
    warmup = min(warmup, steps // 2)
    if step < warmup:
        return peak * (step + 1) / warmup
    done = (step - warmup) / max(1, steps - warmup)
    return peak * (final + (1 - final) * (1 + cos(pi * min(1.0, done))) / 2)
