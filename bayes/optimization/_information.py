"""What an observation of f loses in entropy once f is known to be bounded: closed form, and quadrature under noise."""

import numpy as np
from scipy.special import log_ndtr

from ._gain import LOG_SQRT_2PI, safe_exp

__all__ = ["information", "noisy_information"]

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(20)
_REACH, _FLANK, _STEP, _DECAY = 9.0, 6.0, 8.0, 15.0  # in sd, widths of the step, and e-foldings behind it
_SMALL, _DEEP, _ALMOST_ALL = 1e-2, 10.0, -1 + 1e-9


def _log_hazard(z):
    """Return log(phi(z) / Phi(z))."""
    return -0.5 * z * z - LOG_SQRT_2PI - log_ndtr(z)


def information(gamma):
    """Return log of the entropy that truncating a normal law at gamma sd above its mean removes, and its slope.

    gamma phi / (2 Phi) - log Phi, of any shape.
    """
    log_r = _log_hazard(gamma)
    r = np.exp(log_r)
    log_above = log_ndtr(-gamma)
    with np.errstate(divide="ignore", invalid="ignore"):
        # -log(1 - p) is p where p is beyond the last bit
        shortfall = np.where(log_above < -40, log_above, np.log(-np.log1p(-np.exp(log_above))))
        right = np.logaddexp(np.log(gamma / 2) + log_r, shortfall)
        left = np.log(gamma * r / 2 - log_ndtr(gamma))
    value = np.where(gamma > 0, right, left)
    return value, -0.5 * safe_exp(log_r - value) * (1 + gamma * gamma + gamma * r)


def noisy_information(gamma, c):
    """Return log of the entropy that y loses where f is cut off, and its slopes in gamma and in rho.

    Parameters
    ----------
    gamma : ndarray of shape (k,)
        (bound - mean) / sd of f.
    c : ndarray of shape (k,)
        Share of the noise in the variance of y, in (0, 1); rho = sqrt(1 - c).

    Notes
    -----
    It is the divergence of the law of y that is left from the one before, and half of the variance that y loses less
    the square of its shift, rho^2 gamma phi / (2 Phi); for gamma > 0 both are positive, and nothing cancels.
    """
    rho2 = 1 - c
    divergence, by_gamma, by_rho = _divergence(gamma, c)
    log_r = _log_hazard(gamma)
    with np.errstate(divide="ignore", invalid="ignore"):
        right = np.logaddexp(divergence, np.log(rho2 * gamma / 2) + log_r)
    moved = rho2 * np.minimum(gamma, 0.0) / 2 * safe_exp(log_r - divergence)
    value = np.where(gamma > 0, right, divergence + np.log1p(np.maximum(moved, _ALMOST_ALL)))
    share, r = safe_exp(divergence - value), np.exp(log_r)
    relative = safe_exp(log_r - value)
    in_gamma = share * by_gamma + rho2 / 2 * relative * (1 - gamma * gamma - gamma * r)
    return value, in_gamma, share * by_rho + np.sqrt(rho2) * gamma * relative


def _divergence(gamma, c):
    """Return log of the divergence of the law of y where f is bounded from the one without, and its slopes.

    With w the standardised y and u = (gamma - rho w) / sqrt(c), the density is phi(w) g(w), g = Phi(u) / Phi(gamma),
    where f is below the bound, and phi(w) without: the integral of phi (g log g - g + 1), which is never negative.
    """
    rho, root = np.sqrt(1 - c), np.sqrt(c)
    w, weights = _nodes(gamma, rho, root)
    gamma, rho, root = gamma[:, None], rho[:, None], root[:, None]
    u = (gamma - rho * w) / root
    log_g = log_ndtr(u) - log_ndtr(gamma)
    log_size = _log_size(log_g, u, gamma)
    log_terms = _log_divergence(log_g, log_size) - 0.5 * w * w - LOG_SQRT_2PI
    with np.errstate(divide="ignore"):
        log_terms = log_terms + np.log(weights)
    top = log_terms.max(axis=1, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    shares = np.exp(log_terms - top)
    total = shares.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = top[:, 0] + np.log(total)
        shares /= total[:, None]
        # g log g / (g log g - g + 1), times the slope of log g, over log g: in logs, as each alone may overflow
        log_factor = log_size + log_g - _log_divergence(log_g, log_size)
        by_u = log_factor + _log_hazard(u) - np.log(root)
        sign = np.sign(u - gamma)  # that of log g, which may be too small for a float
        in_gamma = sign * (safe_exp(by_u) - safe_exp(log_factor + _log_hazard(gamma)))
        in_rho = sign * safe_exp(by_u - 2 * np.log(root)) * (rho * gamma - w)
    counts = shares > 0
    slopes = (np.where(counts, shares * part, 0.0).sum(axis=1) for part in (in_gamma, in_rho))
    return (value, *slopes)


def _nodes(gamma, rho, root):
    """Return nodes and weights, of shape (k, nodes), of Gauss-Legendre panels that follow the step of g."""
    step, width = gamma / rho, root / rho
    # a bound far above the mean moves the density of the integrand towards it
    peak = np.maximum(0.0, 2 * rho * gamma / (1 + rho * rho))
    low, high = np.minimum(0.0, rho * gamma) - _REACH, peak + _REACH
    before, after = step - _STEP * width, step + _STEP * width
    # what is left of the density falls off on the side of the step where f hardly ever is
    decay = np.where(gamma > 0, after, before) + np.sign(gamma) * _DECAY / np.maximum(1.0, np.abs(gamma))
    edges = np.stack([low, before, step, after, decay, peak - _FLANK, peak, high], axis=1)
    edges = np.sort(np.clip(edges, low[:, None], high[:, None]), axis=1)
    half = np.diff(edges, axis=1)[..., None] / 2
    middle = ((edges[:, 1:] + edges[:, :-1]) / 2)[..., None]
    k = len(gamma)
    return (middle + half * _NODES).reshape(k, -1), (half * _WEIGHTS).reshape(k, -1)


def _log_size(log_g, u, gamma):
    """Return log |log g|; far above both bounds log Phi(u) is -Phi(-u), whose logarithm does not underflow."""
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.log(np.abs(log_g))
        deep = (u > _DEEP) & (gamma > _DEEP)
        if deep.any():
            one, other = log_ndtr(-u), np.broadcast_to(log_ndtr(-gamma), u.shape)
            size = np.where(deep, np.maximum(one, other) + np.log(-np.expm1(-np.abs(one - other))), size)
    return size


def _log_divergence(log_g, log_size):
    """Return log(g log g - g + 1)."""
    x = np.clip(log_g, -_SMALL, _SMALL)
    series = 2 * log_size + np.log(1 / 2 + x * (1 / 3 + x * (1 / 8 + x * (1 / 30 + x / 144))))
    with np.errstate(divide="ignore", invalid="ignore"):
        direct = np.log(np.exp(log_g) * (log_g - 1) + 1)
    return np.where(np.abs(log_g) < _SMALL, series, direct)
