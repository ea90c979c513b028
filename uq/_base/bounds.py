"""One-sided confidence bounds for the mean of independent values in [low, high], or for a binomial probability.

Each bound misses the mean with probability at most `alpha`. `values` has shape (n,) or (n, k); the rows are averaged
and the answer has shape () or (k,). `alpha` and `variance` may be arrays that broadcast against it. A bound never
leaves [low, high], which costs nothing because the mean does not either. Nothing is validated here. Bounds that adapt
to the variance without its price at small n are in `betting`.

References
----------
Hoeffding (1963), doi:10.1080/01621459.1963.10500830 (`hoeffding`, and `kl`: his Theorem 1, equation 2.1).
Boucheron, Lugosi and Massart (2013), Concentration Inequalities, Section 2.8 (`bernstein`).
Maurer and Pontil (2009), arXiv:0907.3740, Theorem 4 (`empirical_bernstein`).
Clopper and Pearson (1934), doi:10.1093/biomet/26.4.404 (`clopper_pearson`).
"""

import numpy as np
from scipy import special

__all__ = [
    "bernstein_lower",
    "bernstein_upper",
    "clopper_pearson_lower",
    "clopper_pearson_upper",
    "empirical_bernstein_lower",
    "empirical_bernstein_upper",
    "hoeffding_lower",
    "hoeffding_upper",
    "kl_lower",
    "kl_lower_of_mean",
    "kl_upper",
    "kl_upper_of_mean",
]

_EPS = np.finfo(np.float64).eps


def hoeffding_lower(values, alpha, low=0.0, high=1.0):
    """Return mean - (high - low) sqrt(ln(1/alpha) / 2n)."""
    return np.maximum(low, np.mean(values, axis=0) - _hoeffding(len(values), alpha, low, high))


def hoeffding_upper(values, alpha, low=0.0, high=1.0):
    """Return mean + (high - low) sqrt(ln(1/alpha) / 2n)."""
    return np.minimum(high, np.mean(values, axis=0) + _hoeffding(len(values), alpha, low, high))


def _hoeffding(n, alpha, low, high):
    return (high - low) * np.sqrt(-np.log(alpha) / (2 * n))


def bernstein_lower(values, variance, alpha, low=0.0, high=1.0):
    """Return Bernstein's bound for a variance that is known, or bounded from above without looking at `values`."""
    return np.maximum(low, np.mean(values, axis=0) - _bernstein(len(values), variance, alpha, low, high))


def bernstein_upper(values, variance, alpha, low=0.0, high=1.0):
    """Return the mirror image of `bernstein_lower`."""
    return np.minimum(high, np.mean(values, axis=0) + _bernstein(len(values), variance, alpha, low, high))


def _bernstein(n, variance, alpha, low, high):
    log = -np.log(alpha)
    return np.sqrt(2 * variance * log / n) + (high - low) * log / (3 * n)


def empirical_bernstein_lower(values, alpha, low=0.0, high=1.0):
    """Return the Maurer-Pontil bound, which pays for the sample variance with ln(2/alpha); `low` for one row."""
    return np.maximum(low, np.mean(values, axis=0) - _empirical_bernstein(values, alpha, low, high))


def empirical_bernstein_upper(values, alpha, low=0.0, high=1.0):
    """Return the mirror image of `empirical_bernstein_lower`; `high` for one row."""
    return np.minimum(high, np.mean(values, axis=0) + _empirical_bernstein(values, alpha, low, high))


def _empirical_bernstein(values, alpha, low, high):
    n = len(values)
    if n < 2:
        return np.full(np.broadcast_shapes(np.shape(values)[1:], np.shape(alpha)), np.inf)
    log = np.log(2) - np.log(alpha)
    return np.sqrt(2 * np.var(values, axis=0, ddof=1) * log / n) + 7 * (high - low) * log / (3 * (n - 1))


def kl_lower(values, alpha, low=0.0, high=1.0):
    """Return the Chernoff-Hoeffding bound: the smallest mean m with n kl(sample mean, m) <= ln(1/alpha)."""
    mean = (np.mean(values, axis=0) - low) / (high - low)
    return np.maximum(low, low + (high - low) * kl_lower_of_mean(mean, len(values), alpha))


def kl_upper(values, alpha, low=0.0, high=1.0):
    """Return the mirror image of `kl_lower`."""
    mean = (np.mean(values, axis=0) - low) / (high - low)
    return np.minimum(high, low + (high - low) * kl_upper_of_mean(mean, len(values), alpha))


def kl_lower_of_mean(mean, n, alpha):
    """Return `kl_lower` of means of `n` values in [0, 1]; all three broadcast."""
    mean, budget = _kl_arguments(mean, n, alpha)
    return _bisect(mean, np.zeros_like(mean), budget)


def kl_upper_of_mean(mean, n, alpha):
    """Return `kl_upper` of means of `n` values in [0, 1]; all three broadcast."""
    mean, budget = _kl_arguments(mean, n, alpha)
    return _bisect(mean, np.ones_like(mean), budget)


def _kl_arguments(mean, n, alpha):
    mean, budget = np.broadcast_arrays(np.clip(mean, 0.0, 1.0), -np.log(alpha) / np.asarray(n, np.float64))
    return np.array(mean, np.float64), budget


def _bisect(mean, outside, budget):
    """Return the end of {m : kl(mean, m) <= budget} towards `outside`, never inside of it."""
    inside = mean
    for _ in range(200):
        middle = inside + (outside - inside) / 2
        if ((middle == inside) | (middle == outside)).all():
            break
        # a hair more than the rounding error of kl, so that what counts as outside is outside
        far = special.rel_entr(mean, middle) + special.rel_entr(1 - mean, 1 - middle) > budget + 4 * _EPS
        inside, outside = np.where(far, inside, middle), np.where(far, middle, outside)
    return outside[()]


def clopper_pearson_lower(n_correct, n_trials, alpha):
    """Return the p at which `n_correct` successes or more have probability alpha; 0 for none. All three broadcast."""
    k, n, alpha = np.broadcast_arrays(*(np.asarray(a, np.float64) for a in (n_correct, n_trials, alpha)))
    some = k > 0
    return np.where(some, special.betaincinv(np.where(some, k, 1.0), n - k + 1, alpha), 0.0)[()]


def clopper_pearson_upper(n_correct, n_trials, alpha):
    """Return the p at which `n_correct` successes or fewer have probability alpha; 1 for no failure."""
    k, n, alpha = np.broadcast_arrays(*(np.asarray(a, np.float64) for a in (n_correct, n_trials, alpha)))
    some = k < n
    return np.where(some, special.betainccinv(k + 1, np.where(some, n - k, 1.0), alpha), 1.0)[()]
