"""The knowledge gradient by simulation: what the fast one is checked against."""

import math

import numpy as np

from ._gain import LOG_SQRT_2PI
from ._mean_maxima import climb, mean_maxima, spread_points
from ._noisy_ei import evaluated_points
from ._utility import next_noise

__all__ = ["simulated_gain"]

_STARTS, _FARTHEST = 3, 6.0


def simulated_gain(posterior, X, candidates, bounds, noise, n_draws, rng):
    """Return the mean over simulated observations of the largest next mean less the one where the mean is largest now.

    In model units, of shape (len(X),). That point's next mean averages to its mean now, and taking it draw by draw
    leaves no negative gains and less noise.
    """
    noise = next_noise(posterior) if noise is None else noise
    if candidates is None:
        best = mean_maxima(posterior, bounds, 1)
        pool = np.vstack([best, np.clip(evaluated_points(posterior), *bounds.T), spread_points(bounds)])
    else:
        pool = candidates
    # even over all outcomes, and weighed by their density: most of a gain can come from rare ones
    draws = _FARTHEST * (2 * (np.arange(n_draws) + rng.random((len(X), n_draws))) / n_draws - 1)
    weights = 2 * _FARTHEST / n_draws * np.exp(-0.5 * draws * draws - LOG_SQRT_2PI)
    return np.array(
        [
            _gain(posterior, x, pool, candidates is None, bounds, noise, zip(*outcomes, strict=True))
            for x, *outcomes in zip(X, draws, weights, strict=True)
        ]
    )


def _gain(posterior, x, pool, continuous, bounds, noise, outcomes):
    targets = posterior.targets(x[None])
    total = float(posterior.mean_var(x[None])[1][0]) + noise
    if total == 0.0:
        return 0.0
    root = math.sqrt(total)
    if continuous:
        pool = np.vstack([pool, np.clip(x, *bounds.T)])
    mu, _, cov = targets.many(pool)
    slope = cov[:, 0] / root
    now = int(mu.argmax())
    gain = 0.0
    for z, weight in outcomes:
        values = mu + slope * z
        largest = values.max()
        if continuous:

            def following(x_new, z=z):
                at = targets.at(x_new)
                return at.mu + at.cov[0] / root * z, at.dmu + at.dcov[0] / root * z

            starts = np.argpartition(-values, _STARTS)[:_STARTS]
            largest = max(largest, *(climb(following, pool[i], bounds)[1] for i in starts))
        gain += weight * (largest - values[now])
    return gain
