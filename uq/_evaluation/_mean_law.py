"""What each method says of a mean: its law, its guarantee, the value and its error."""

import numpy as np

from .._base.betting import to_unit
from .._base.groups import cluster_sums
from .._base.laws import BetaLaw, BinomialLaw, TLaw
from .._base.resampling import acceleration, resample_sums
from ._bca import bca_law
from ._betting import BettingLaw
from ._hierarchical import hierarchical_law

__all__ = [
    "OF_COUNTS",
    "OF_SUMS",
    "error_of_units",
    "law_of_sums",
    "law_of_tasks",
    "mean_law",
    "moments",
    "rounding_of",
]

OF_COUNTS = ("clopper_pearson", "wilson", "beta")  # of 0/1 scores: the number of ones is all they need
OF_SUMS = (*OF_COUNTS, "t", "cluster")


def mean_law(scores, codes, bounds, method, n_resamples, rng, n_jobs, n, n_groups):
    """Return (law, guarantee, (estimate, std_error)) of any method from checked scores."""
    mean, error = moments(scores, codes)
    if method in OF_SUMS:
        k = int(scores.sum()) if method in OF_COUNTS else 0
        return law_of_sums(method, n, n_groups, k, mean, error)
    if method == "betting":
        return _betting_law(scores, codes, bounds, rng), "finite-sample", (mean, error)
    if method == "hierarchical":
        return law_of_tasks(np.bincount(codes, weights=scores).astype(int), np.bincount(codes))
    return _bootstrap_law(scores, codes, mean, n_resamples, rng, n_jobs), "asymptotic", (mean, error)


def law_of_sums(method, n, n_groups, k, mean, error):
    """Return (law, guarantee, (estimate, std_error)) of the methods that need no rows; k counts the ones."""
    if method == "clopper_pearson":
        return BinomialLaw(n_success=k, n=n), "finite-sample", (mean, error)
    if method == "wilson":
        return BinomialLaw(n_success=k, n=n, kind="wilson"), "asymptotic", (mean, error)
    if method == "beta":
        a, b = k + 1.0, n - k + 1.0
        return BetaLaw(a=a, b=b), "posterior", (a / (a + b), np.sqrt(a * b / (a + b + 1)) / (a + b))
    df = max(n - 1, 1) if method == "t" else n_groups - 1
    return TLaw(estimate=mean, std_error=error, df=df), "asymptotic", (mean, error)


def law_of_tasks(n_correct, n_trials):
    """Return (law, guarantee, (estimate, std_error)) of the mean over tasks."""
    law, posterior_mean, posterior_sd = hierarchical_law(n_correct, n_trials)
    return law, "posterior", (posterior_mean, posterior_sd)


def moments(scores, codes=None):
    """Return the mean and its standard error over rows or clusters; infinite where one unit says nothing."""
    mean = float(scores.mean())
    if len(scores) == 1:
        return mean, np.inf
    deviations = scores - mean
    rest = float(deviations.mean())
    if abs(rest) > np.spacing(abs(mean)):  # a sum of many large scores is off by more than its last digit
        mean += rest
        deviations = scores - mean
        rest = float(deviations.mean())
    deviations = deviations - rest
    rounding = rounding_of(float(np.abs(scores).max()))
    if codes is not None:
        deviations = np.bincount(codes, weights=deviations)
        rounding *= np.sqrt(np.bincount(codes).max())
    return mean, error_of_units(deviations, rounding, len(scores), mean)


def rounding_of(largest):
    """Return the deviation that rounding can make of none; it must not pass for a tiny error."""
    return 4 * np.finfo(float).eps * largest


def error_of_units(deviations, rounding, n, mean):
    """Return the standard error of a mean over n rows, from the sum of deviations of each row or cluster."""
    units = len(deviations)
    scale = float(np.abs(deviations).max())
    if scale <= rounding:
        return 0.0
    deviations = deviations / scale  # keeps tiny scores from vanishing when they are squared
    error = scale * float(np.sqrt(units / (units - 1) * (deviations @ deviations))) / n
    # the mean itself is known no better than its last digit
    return max(error, float(np.spacing(abs(mean))))


def _betting_law(scores, codes, bounds, rng):
    low, high = bounds
    values = to_unit(scores, low, high)
    weights = None
    if codes is not None:
        sizes = np.bincount(codes)
        values = np.bincount(codes, weights=values) / sizes
        weights = sizes / sizes.max()
    order = (np.random.default_rng(0) if rng is None else rng).permutation(len(values))
    # clipped: a mean of ones may exceed 1 by a rounding error
    return BettingLaw.from_unit_values(
        np.clip(values[order], 0.0, 1.0), low=low, high=high, weights=None if weights is None else weights[order]
    )


def _bootstrap_law(scores, codes, mean, n_resamples, rng, n_jobs):
    columns = np.column_stack([scores - mean, np.ones(len(scores))])
    sums = resample_sums(columns, n_resamples=n_resamples, rng=rng, n_jobs=n_jobs, groups=codes)
    deviations = sums[:, 0] / sums[:, 1]
    units = columns if codes is None else cluster_sums(columns, codes)
    total = units.sum(axis=0)
    left_out = (total[0] - units[:, 0]) / np.maximum(total[1] - units[:, 1], 1e-300)
    # the rounding of the mean is left in the deviations
    return bca_law(deviations, total[0] / total[1], acceleration(left_out), center=mean)
