"""How fast a population changes: number density, coarsening, drift."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.optimize import OptimizeWarning, curve_fit

_MAX_POINTS = 200
_FEWEST_POINTS = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Coarsening:
    """Growth of the mean radius fitted by R(t) = R0 (1 + t / tau) ** (1 / n).

    ``exponent_error`` is one standard error of n. ``determined`` is false when the movie
    does not fix n; ``reason`` then says why in a few words, and n may be NaN.
    """

    exponent: float
    exponent_error: float
    initial_radius: float
    onset: float
    determined: bool
    reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Drift:
    """Motion of the specimen: net and summed displacement, and mean speed per unit of time."""

    net: float
    path: float
    speed: float


def number_density(
    count: Int[np.ndarray, " t"], *, field_area: float
) -> tuple[Float[np.ndarray, " t"], Float[np.ndarray, " t"]]:
    """Return particles per unit of ``field_area`` and their counting (Poisson) error."""
    return count / field_area, np.sqrt(count) / field_area


def coarsening(
    time: Float[np.ndarray, " t"], radius: Float[np.ndarray, " t"], error: Float[np.ndarray, " t"]
) -> Coarsening:
    """Fit the coarsening law to a mean radius with standard errors; NaN frames are left out.

    The law is R^n = R0^n + K t with K = R0^n / tau: n = 3 for ripening limited by
    diffusion (Lifshitz, Slyozov 1961; Wagner 1961), 2 by the interface, 4 by surface
    diffusion on a support (Chakraverty 1967). Frames of a movie show the same particles,
    so the error of n is widened by the autocorrelation of the residuals
    (Bayley, Hammersley, Suppl. J. R. Stat. Soc. 8 (1946) 184).
    """
    good = np.isfinite(radius) & np.isfinite(time)
    if np.count_nonzero(good) < _FEWEST_POINTS:
        return _undetermined("fewer than 8 frames with particles")
    t, r, e = _thinned(time[good], radius[good], error[good])
    ends = max(1, len(r) // 5)
    growth = r[-ends:].mean() / r[:ends].mean() - 1
    if growth < 0.02:
        return _undetermined(f"the mean radius changed by {100 * growth:+.1f} %", radius=float(r[0]))
    return _fit(t - t[0], r, e)


def drift_summary(drift: Float[np.ndarray, "t 2"], *, duration: float) -> Drift:
    """Return net, summed and mean motion of positions (y, x) over ``duration``; NaN is skipped."""
    seen = drift[np.isfinite(drift).all(axis=1)]
    if len(seen) < 2 or duration <= 0:
        return Drift(net=0.0, path=0.0, speed=0.0)
    path = float(np.hypot(*np.diff(seen, axis=0).T).sum())
    return Drift(net=float(np.hypot(*(seen[-1] - seen[0]))), path=path, speed=path / duration)


def _fit(t: np.ndarray, r: np.ndarray, e: np.ndarray) -> Coarsening:
    sigma = _usable_errors(e, r)
    guess = (np.log(r[0]), np.log(t[-1] / 2), 1 / 3)
    bounds = ([-np.inf, np.log(t[-1]) - 12, 0.02], [np.inf, np.log(t[-1]) + 4, 1.0])
    try:
        fit, covariance = curve_fit(_law, t, r, guess, sigma, bounds=bounds, maxfev=2000)
    except (RuntimeError, OptimizeWarning):
        return _undetermined("the fit did not converge", radius=float(r[0]))
    slope = float(fit[2])
    widened = np.sqrt(covariance[2, 2] * _inflation((r - _law(t, *fit)) / sigma))
    spread = float(widened / slope**2)
    sure = spread < 0.5 / slope and 0.021 < slope < 0.999
    return Coarsening(
        exponent=1 / slope,
        exponent_error=spread,
        initial_radius=float(np.exp(fit[0])),
        onset=float(np.exp(fit[1])),
        determined=bool(sure),
        reason="" if sure else "the movie is too short or too noisy to fix it",
    )


def _law(t: np.ndarray, log_r0: float, log_tau: float, slope: float) -> np.ndarray:
    result: np.ndarray = np.exp(log_r0) * (1 + t / np.exp(log_tau)) ** slope
    return result


def _usable_errors(error: np.ndarray, radius: np.ndarray) -> np.ndarray:
    good: Bool[np.ndarray, " n"] = np.isfinite(error) & (error > 0)
    typical = float(np.median(error[good])) if good.any() else 0.01 * float(radius.mean())
    return np.where(good, error, 3 * typical)


def _inflation(residual: np.ndarray) -> float:
    """Return how much variance grows when ``residual`` is correlated from point to point."""
    power = float(np.sum(residual**2))
    rho = float(np.sum(residual[1:] * residual[:-1])) / power if power else 0.0
    rho = min(max(rho, 0.0), 0.95)
    return (1 + rho) / (1 - rho)


def _thinned(*series: np.ndarray) -> list[np.ndarray]:
    """Average runs of points so that at most 200 are left."""
    length = -(-len(series[0]) // _MAX_POINTS)
    starts = np.arange(0, len(series[0]), length)
    sizes = np.diff(np.append(starts, len(series[0])))
    return [np.add.reduceat(values, starts) / sizes for values in series]


def _undetermined(reason: str, *, radius: float = float("nan")) -> Coarsening:
    nan = float("nan")
    return Coarsening(
        exponent=nan, exponent_error=nan, initial_radius=radius, onset=nan, determined=False, reason=reason
    )
