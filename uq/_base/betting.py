"""Betting bounds: confidence bounds for the mean of bounded values from the capital of a gambler.

If the mean were m, a gambler who stakes lam_t (known before x_t is) on x_t > m would own

    M_t(m) = prod_{s <= t} (1 + w_s min(lam_s, CAP / m) (x_s - m)),    x_s, m in [0, 1],  w_s in (0, 1],

a martingale at the true mean: never negative, because no bet risks more than the part CAP of the capital. By Ville's
inequality it ever reaches 1/alpha with probability at most alpha, so {m : max_t M_t(m) < 1/alpha} contains the mean
with probability at least 1 - alpha, and 1 / max_t M_t(m) is a p-value of "the mean is at most m". The bets know nothing
of alpha: one capital answers at every level. They are tuned to be short at one level and one number of rows.

Every factor is non-increasing in m: below CAP / lam it is 1 + w lam (x - m), above 1 + w CAP (x / m - 1), and they
meet. So M_t and its maximum are, and the set is an interval that bisection finds. Upper bounds are lower
bounds of 1 - x. Computed capitals are rounded down by a bound of their rounding error, limits outward.

CAP and BOLDNESS were chosen by mean width over seven laws (Bernoulli, beta, uniform, two-point) and n = 10 ... 1000.
The cap CAP / m in place of a cap on lam itself matters most: small means need bets above 1.

References
----------
Waudby-Smith and Ramdas (2024), Estimating means of bounded random variables by betting, arXiv:2010.09686.
"""

import numpy as np
from scipy import optimize

__all__ = [
    "BOLDNESS",
    "CAP",
    "CHUNK",
    "betting_lower",
    "betting_upper",
    "fixed_bets",
    "log_capital",
    "lower_limit",
    "outward",
    "past_variance",
    "rounding_error",
    "to_unit",
]

CAP = 0.9
# the largest capital comes before the last row, so bets a little above the optimum for the last row are shorter
BOLDNESS = 1.15
CHUNK = 1 << 16
_EPS = float(np.finfo(np.float64).eps)


def betting_lower(values, alpha, low=0.0, high=1.0, *, weights=None, tuned_alpha=None):
    """Return the lower bound of the mean of `values` in [low, high], of shape (n,).

    Parameters
    ----------
    values : ndarray of shape (n,)
        In an order that does not depend on them.
    alpha : float
        Probability of a bound above the mean.
    weights : ndarray of shape (n,), optional
        In (0, 1]: sizes of clusters whose means are `values`, relative to the largest.
    tuned_alpha : float, optional
        Level for which the bets are tuned, chosen without looking at `values`; `alpha` where None.
    """
    x = to_unit(values, low, high)
    bets = fixed_bets(x, alpha if tuned_alpha is None else tuned_alpha, weights)
    return outward(lower_limit(x, bets, alpha, weights), low, high, -1)


def betting_upper(values, alpha, low=0.0, high=1.0, *, weights=None, tuned_alpha=None):
    """Return the upper bound: the mirror image of `betting_lower`."""
    x = 1 - to_unit(values, low, high)
    bets = fixed_bets(x, alpha if tuned_alpha is None else tuned_alpha, weights)
    return outward(1 - lower_limit(x, bets, alpha, weights), low, high, +1)


def to_unit(values, low, high):
    """Map [low, high] to [0, 1]; by halves, so that the width of the widest range is finite."""
    return np.clip((values / 2 - low / 2) / (high / 2 - low / 2), 0.0, 1.0)


def outward(x, low, high, side):
    """Map limits in [0, 1] back to [low, high], rounded towards `side`."""
    limit = low * (1 - x) + high * x
    error = 4 * _EPS * (abs(low) * (1 - x) + abs(high) * x)
    if side > 0:
        return np.where(x < 1, np.minimum(high, limit + error + 2 * _EPS * (high / 2 - low / 2)), high)[()]
    return np.where(x > 0, np.maximum(low, limit - error), low)[()]


def fixed_bets(x, alpha, weights=None):
    """Return bets for a number of rows that is known: small ones where the rows so far vary much, or are many."""
    w = np.ones(1) if weights is None else weights
    w = np.broadcast_to(w, x.shape)
    return BOLDNESS * np.sqrt(-2 * np.log(alpha) / (np.sum(w * w) * past_variance(x, w)))


def past_variance(x, w):
    """Return the variance of the rows before each one; one row at distance 1/2 from the centre stands before them."""
    mean = (0.5 + np.cumsum(w * x)) / (1 + np.cumsum(w))
    variance = (0.25 + np.cumsum((w * (x - mean)) ** 2)) / (1 + np.cumsum(w * w))
    return np.concatenate([[0.25], variance[:-1]])


def log_capital(x, bets, m, weights=None):
    """Return max_t log M_t(m) over t >= 1, rounded down: never above the true one."""
    cap = CAP / m if m > 0 else np.inf
    total, error, best = 0.0, 0.0, -np.inf
    for i in range(0, len(x), CHUNK):
        part = slice(i, i + CHUNK)
        log = np.minimum(bets[part], cap)
        log *= x[part] - m
        if weights is not None:
            log *= weights[part]
        np.log1p(log, out=log)
        log[0] += total
        np.cumsum(log, out=log)
        error += rounding_error(log, total)
        best = max(best, float(log.max()) - error)
        total = float(log[-1])
    return best


def rounding_error(log, before):
    """Bound the error of a cumulative sum: a few units in the last place for each term and each sum."""
    return 32 * _EPS * len(log) * max(1.0, abs(before), float(log.max()), -float(log.min()))


def lower_limit(x, bets, alpha, weights=None):
    """Return the lower end of {m : max_t M_t(m) < 1/alpha} in [0, 1]; 0 where no m is rejected."""
    threshold = -np.log(alpha)

    def excess(m):
        return log_capital(x, bets, m, weights) - threshold

    return _last_rejected(excess, 0.0, 1.0) if excess(0.0) >= 0 else 0.0


def _last_rejected(excess, low, high):
    """Return an m with excess(m) >= 0, below the root of the decreasing function and as near to it as can be."""
    m = optimize.brentq(excess, low, high, xtol=1e-18, rtol=4 * _EPS, maxiter=1000)
    step = max(np.spacing(m), 1e-18)
    while m > low and excess(m) < 0:
        m, step = max(low, m - step), 2 * step
    return float(m)
