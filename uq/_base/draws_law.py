"""The law that resamples or posterior draws are: percentiles, and bias-corrected and accelerated ones."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from .laws import Law

__all__ = ["DrawsLaw"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DrawsLaw(Law):
    """Resampled values of a statistic; limits are their quantiles.

    ``kind="percentile"`` takes the quantiles as they are; ``kind="bca"`` shifts their levels by the bias `z0` and the
    acceleration of Efron (1987, doi:10.1080/01621459.1987.10478410); ``kind="posterior"`` is "percentile" by another
    name. The quantile at level i/(B+1) is the i-th of B sorted draws, linear between; beyond the first and the last
    it is infinite. A draw that is NaN (a metric undefined on that resample) counts as -inf for lower limits and as +inf
    for upper ones.
    """

    draws: Any
    kind: str = "percentile"
    z0: Any = 0.0
    acceleration: Any = 0.0

    remedy = (
        "the resamples cannot resolve this level: either n_resamples is too small, or the statistic was undefined or "
        "constant on too many of them. More resamples, more rows, or an exact method would make it finite."
    )

    def _columns(self):
        draws = self.draws if self.draws.ndim == 2 else self.draws[:, None]
        shape = (draws.shape[1],)
        return draws, np.broadcast_to(self.z0, shape), np.broadcast_to(self.acceleration, shape)

    def _each(self, function):
        draws, z0, acceleration = self._columns()
        values = [function(np.sort(draws[:, j]), float(z0[j]), float(acceleration[j])) for j in range(draws.shape[1])]
        return np.array(values) if self.draws.ndim == 2 else values[0]

    def lower(self, alpha):
        return self._each(lambda d, z0, a: _quantile(_filled(d, -np.inf), _bca_level(alpha, z0, a, self.kind), -np.inf))

    def upper(self, alpha):
        return self._each(
            lambda d, z0, a: _quantile(_filled(d, np.inf), _bca_level(1 - alpha, z0, a, self.kind), np.inf)
        )

    def p_greater(self, null):
        return self._each(lambda d, z0, a: _bca_tail(_rank(_filled(d, -np.inf), null, "right"), z0, a, self.kind))

    def p_less(self, null):
        return self._each(lambda d, z0, a: 1 - _bca_tail(_rank(_filled(d, np.inf), null, "left"), z0, a, self.kind))


def _filled(draws, value):
    """Sort undefined draws to the end where they widen the interval; constant draws say nothing at all.

    `draws` are sorted but for that.
    """
    finite = draws[np.isfinite(draws)]
    if finite.size < 2 or finite[0] == finite[-1]:
        return np.full(draws.size, value)
    return finite if finite.size == draws.size else np.sort(np.where(np.isnan(draws), value, draws))


def _quantile(draws, u, open_end):
    """Return the draw at level u; `open_end` is what lies beyond the draws on the side where the limit is open."""
    position = u * (draws.size + 1) - 1
    # a hair of tolerance, so that .025 * 40 is the first draw and not just below it
    if position < -1e-9:
        return open_end if open_end < 0 else float(draws[0])
    if position > draws.size - 1 + 1e-9:
        return open_end if open_end > 0 else float(draws[-1])
    i = min(max(int(position), 0), draws.size - 1)
    j = min(i + 1, draws.size - 1)
    weight = min(max(position - i, 0.0), 1.0)
    if weight < 1e-9 or draws[i] == draws[j]:
        return float(draws[i])
    if weight > 1 - 1e-9:
        return float(draws[j])
    if np.isinf(draws[i]) or np.isinf(draws[j]):
        return open_end
    return float(draws[i] + weight * (draws[j] - draws[i]))


def _rank(draws, x, side):
    """Return the largest ("right") or smallest ("left") level whose quantile is x."""
    k = int(np.searchsorted(draws, x, side))
    if k == 0:
        return 1 / (draws.size + 1) if side == "right" else 0.0
    if k == draws.size:
        return 1.0 if side == "right" else draws.size / (draws.size + 1)
    below, above = draws[k - 1], draws[k]
    if np.isfinite(below) and np.isfinite(above):
        part = (x - below) / (above - below)
    else:  # the whole gap towards a draw that is undefined
        part = 1.0 if side == "right" else 0.0
    return (k + part) / (draws.size + 1)


def _bca_level(u, z0, a, kind):
    if kind != "bca":
        return u
    # at the highest levels 1 - alpha is rounded to 1: far out, yet a number
    z = np.clip(z0 + special.ndtri(u), -1e300, 1e300)
    slope = 1 - a * z
    # beyond the pole the transformation has no more levels to give
    return special.ndtr(z0 + z / slope) if slope > 0 else float(a * z > 0 and z > 0)


def _bca_tail(u, z0, a, kind):
    if kind != "bca" or u in (0.0, 1.0):
        return u
    w = special.ndtri(u) - z0
    slope = 1 + a * w
    return special.ndtr(w / slope - z0) if slope > 0 else float(w > 0)
