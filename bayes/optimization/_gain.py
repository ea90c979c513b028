"""E(z + Z)^+ of a standard normal Z in logs, accurate in both tails: what every acquisition is made of."""

import numpy as np
from scipy.special import erfcx, log_ndtr, ndtr

__all__ = ["LOG_SQRT_2PI", "log_gain", "log_gain_slope", "lower_tail", "safe_exp"]

LOG_SQRT_2PI = 0.5 * np.log(2 * np.pi)
_SQRT_HALF, _SQRT_HALF_PI = np.sqrt(0.5), np.sqrt(np.pi / 2)
_FAR = 80.0  # 1 - t M(t) loses eps t^2 to cancellation; its series in 1/t^2 is as good from here on
_SQUARABLE = 1e154
_LARGEST_EXPONENT = 700.0


def lower_tail(t):
    """Return log phi(t), the Mills ratio M = Phi(-t) / phi(t) and q = E(Z - t)^+ / phi(t) = 1 - t M, for t >= 0.

    Where t is infinite or its square overflows, log phi is -inf and nothing is NaN.
    """
    near = np.minimum(t, _FAR)
    mills = _SQRT_HALF_PI * erfcx(_SQRT_HALF * near)
    q = 1.0 - near * mills
    if t.size and t.max() > _FAR:
        t = np.where(t > _SQUARABLE, np.inf, t)  # the square of inf raises no flag
        far = t > _FAR
        inverse = 1.0 / t[far]
        u = inverse * inverse
        mills[far] = inverse * (1.0 + u * (-1.0 + u * (3.0 - 15.0 * u)))
        q[far] = u * (1.0 + u * (-3.0 + u * (15.0 - 105.0 * u)))
    return -0.5 * t * t - LOG_SQRT_2PI, mills, q


def log_gain(z):
    """Return log E(z + Z)^+ = log(phi(z) + z Phi(z)) for an array z; -inf at -inf."""
    z = np.asarray(z, dtype=float)
    flat = np.ravel(z)
    out = np.empty_like(flat)
    below = flat < 0
    log_phi, _, q = lower_tail(-flat[below])
    with np.errstate(divide="ignore"):  # q is 0 where t is infinite
        out[below] = log_phi + np.log(q)
    above = flat[~below]
    finite = np.minimum(above, _FAR)
    # beyond 80 the gain is z to the last bit
    out[~below] = np.log(np.maximum(np.exp(-0.5 * finite * finite - LOG_SQRT_2PI) + finite * ndtr(finite), above))
    return out.reshape(z.shape)


def log_gain_slope(z):
    """Return d log E(z + Z)^+ / dz = Phi(z) / E(z + Z)^+ for an array z, finite for every finite z."""
    z = np.asarray(z, dtype=float)
    flat = np.ravel(z)
    out = np.empty_like(flat)
    below = flat < 0
    t = -flat[below]
    _, mills, q = lower_tail(np.minimum(t, _FAR))
    t = np.maximum(t, _FAR)
    u = 1.0 / (t * t) if t.size == 0 or t.max() < _SQUARABLE else np.where(t < _SQUARABLE, t, np.inf) ** -2.0
    out[below] = np.where(flat[below] < -_FAR, t * (1.0 + u * (2.0 + u * (-6.0 + 42.0 * u))), mills / q)
    out[~below] = np.exp(log_ndtr(flat[~below]) - log_gain(flat[~below]))
    return out.reshape(z.shape)


def safe_exp(x):
    """Return exp(x), as large as a float allows where it would overflow."""
    return np.exp(np.minimum(x, _LARGEST_EXPONENT))
