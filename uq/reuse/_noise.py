"""Conditional value at risk of the largest of k noises: the mean of its worst `alpha` part. Scale 1, no validation.

For every c, c + E(Y - c)_+ / alpha is at least the CVaR and so a valid bound; the quantile only makes it the least one.
"""

from functools import lru_cache

import numpy as np
from scipy.special import ndtr, ndtri

__all__ = ["gaussian_cvar", "laplace_cvar", "laplace_excess", "laplace_quantile"]

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(200)


def _largest(p, k):
    """Return P(the largest of k exceeds) from that of one."""
    return -np.expm1(k * np.log1p(-p))


def _single(alpha, k):
    """Return the p with 1 - (1 - p)^k = alpha."""
    return -np.expm1(np.log1p(-min(alpha, 1 - 2.0**-53)) / k)


def _integral(tail, start, length):
    y = start + length / 2 * (_NODES + 1)
    return float(length / 2 * (_WEIGHTS @ tail(y)))


@lru_cache(maxsize=4096)
def gaussian_cvar(k, alpha):
    """Return the CVaR at level 1 - alpha of max |Z_j| over k standard normals, independent or not less than so."""
    v = max(0.0, float(-ndtri(_single(alpha, k) / 2)))
    # beyond 11 standard deviations further nothing is left that a float could add
    return v + _integral(lambda y: _largest(np.minimum(2 * ndtr(-y), 1 - 2.0**-53), k), v, 11.0) / alpha


def laplace_quantile(k, alpha, *, signed):
    """Return the 1 - alpha quantile, if not below 0, of the largest of k Laplace noises (or of their sizes)."""
    return max(0.0, float(-np.log(_single(alpha, k) * (2 if signed else 1))))


def laplace_excess(k, start, *, signed):
    """Return E(Y - start)_+ of the largest of k Laplace noises (or of their sizes), for start >= 0."""
    half = 0.5 if signed else 1.0
    # past the quantile of the largest, the tail falls as exp(-y); before, it may be flat over ln k
    length = 45.0 + max(0.0, np.log(k) - start)
    return _integral(lambda y: _largest(np.minimum(half * np.exp(-y), 1 - 2.0**-53), k), start, length)


@lru_cache(maxsize=4096)
def laplace_cvar(k, alpha, *, signed):
    """Return the CVaR at level 1 - alpha of the largest of k Laplace noises of scale 1 (or of their sizes)."""
    v = laplace_quantile(k, alpha, signed=signed)
    return v + laplace_excess(k, v, signed=signed) / alpha
