"""Where the posterior mean is largest in a box: what would be chosen if nothing more were observed."""

import numpy as np
from scipy.optimize import minimize
from scipy.stats import qmc

from ._noisy_ei import evaluated_points

__all__ = ["climb", "mean_maxima", "spread_points"]

_SPREAD_BITS, _STARTS, _SAME = 8, 4, 1e-3


def spread_points(bounds, bits=_SPREAD_BITS):
    """Return 2^bits points of the unscrambled Sobol sequence in a box (d, 2)."""
    low, high = bounds[:, 0], bounds[:, 1]
    return low + (high - low) * qmc.Sobol(len(bounds), scramble=False).random_base2(bits)


def climb(function, start, bounds):
    """Return (point, value) of a local maximum of `function(x)` -> (value, gradient) in a box, from `start`."""

    def negative(x):
        value, gradient = function(x)
        return -value, -gradient

    found = minimize(negative, np.clip(start, *bounds.T), jac=True, method="L-BFGS-B", bounds=bounds)
    return found.x, -found.fun


def mean_maxima(posterior, bounds, n_maxima):
    """Return at most so many local maxima of the posterior mean in a box, the largest first, of shape (k, d)."""
    pool = np.vstack([np.clip(evaluated_points(posterior), *bounds.T), spread_points(bounds)])
    means = posterior.mean(pool)
    n_seen = len(pool) - (1 << _SPREAD_BITS)
    starts = [np.argsort(-means[part], kind="stable")[:_STARTS] + offset for part, offset in _halves(n_seen)]
    targets = posterior.targets()

    def mean(x):
        at = targets.at(x)
        return at.mu, at.dmu

    found = sorted((climb(mean, pool[i], bounds) for i in np.concatenate(starts)), key=lambda pair: -pair[1])
    kept: list[np.ndarray] = []
    size = np.where(bounds[:, 1] > bounds[:, 0], bounds[:, 1] - bounds[:, 0], 1.0)
    for x, _ in found:
        if all((np.abs(x - other) > _SAME * size).any() for other in kept):
            kept.append(x)
    return np.array(kept[:n_maxima])


def _halves(n_seen):
    return (slice(None, n_seen), 0), (slice(n_seen, None), n_seen)
