"""Is A really better than B? The paired difference of two models on the same items."""

import numpy as np

from .._base.citation import cite_methods, cites
from .._base.exceptions import InputError
from .._base.random import check_rng
from .._base.results import Estimate
from .._base.validation import (
    check_binary,
    check_bounds,
    check_count,
    check_groups,
    check_jobs,
    check_option,
    check_same_length,
    check_vector,
    drop_missing,
    is_binary,
)
from ._mean import mean_estimate
from ._mean_law import moments
from ._metric import metric_estimate
from ._paired import McNemarLaw
from ._paired_posterior import DirichletLaw
from ._rows import as_rows, check_metric
from ._warn import refuses

__all__ = ["estimate_difference"]

cite_methods(mcnemar=("mcnemar1947", "berger1994", "buehler1957"), dirichlet="bowyer2025")
METHODS = ("auto", "t", "cluster", "mcnemar", "dirichlet", "betting", "bootstrap")


@cites(
    "miller2024",
    "student1908",
    "mcnemar1947",
    "berger1994",
    "buehler1957",
    "waudbysmith2024",
    "bowyer2025",
    "cameron2015",
    "efron1987",
)
def estimate_difference(
    a,
    b,
    groups=None,
    metric=None,
    y_true=None,
    method="auto",
    *,
    bounds=None,
    n_resamples=9999,
    rng=None,
    n_jobs=None,
    nan_policy="raise",
) -> Estimate:
    """Estimate how much model A scores above model B on the same items.

    Parameters
    ----------
    a, b : array-like of shape (n,)
        Scores of the two models, row i of both about the same item; the estimate is mean(a) - mean(b). With `metric`,
        the outputs of the two models (also (n, n_classes)), and the estimate is metric(y_true, a) - metric(y_true, b).
    groups : array-like of shape (n,), optional
        Cluster labels of the items.
    metric : callable, optional
        ``metric(y_true, y_pred)`` -> float, scikit-learn's metrics among them. Needs `y_true`.
    y_true : array-like of shape (n,), optional
        Truth for `metric`.
    method : str, default "auto"
        - "mcnemar": 0/1 scores; exact. The p-value at 0 is McNemar's exact one.
        - "dirichlet": 0/1 scores; posterior under a uniform prior. ``1 - pvalue(0, "greater")`` is P(A > B), the
          posterior probability that A's true mean score is the higher one.
        - "t", "cluster", "betting", "bootstrap": those of `estimate_mean` on the differences.
        - "auto": "bootstrap" with a `metric`; else "betting" where `bounds` are given, "cluster" where `groups` are,
          "mcnemar" for 0/1 scores, and "t".
    bounds : (float, float), optional
        What one model's score can be at the least and at the most.
    n_resamples, rng, n_jobs
        For "bootstrap", as in `estimate_mean`.
    nan_policy : {"raise", "omit"}, default "raise"
        "omit" drops items with a NaN score of either model. Without `metric` only.

    Returns
    -------
    Estimate

    Raises
    ------
    InputError
        For NaN or infinite scores, no rows, lengths that differ, fewer than two clusters, a `metric` without `y_true`
        (or the reverse), a method that does not fit the scores, or an unknown method.

    Warns
    -----
    SmallSampleWarning
        For asymptotic methods below 30 rows or 20 clusters.

    Notes
    -----
    **Guarantee.** "mcnemar": finite-sample for independent items. The interval inverts an unconditional test, its
    nuisance parameter confined to a 99.9999 % set and the rest added to the p-value; at a difference of 0 the p-value
    is McNemar's own. At 90 and 95 % the two agree about 0 (checked on every table of up to 100 items); from 99 % on the
    interval may hold a 0 that McNemar's test just rejects. "betting": finite-sample for independent items or clusters,
    as in `estimate_mean`. "dirichlet": posterior. The others: asymptotic. The two models must have answered the same
    items: unpaired scores need another error.

    **P(A > B).** ``1 - difference.pvalue(0, "greater")`` of a "dirichlet" result is a statement about the two true mean
    scores, given these items and the prior: .99 says that A is better on average with 99 % probability, not that A wins
    on 99 % of the items, nor by how much. For every other method one less the p-value is no probability of anything;
    there `pvalue(0)` says how surprising so large a difference would be between two models that are equally good.

    References
    ----------
    .. [1] Q. McNemar (1947). Psychometrika 12(2). doi:10.1007/BF02295996.
    .. [2] R. Berger, D. Boos (1994). P values maximized over a confidence set for the nuisance parameter. Journal of
       the American Statistical Association 89(427). doi:10.2307/2290928.
    .. [3] R. Buehler (1957). Confidence intervals for the product of two binomial parameters. Journal of the American
       Statistical Association 52(280). doi:10.1080/01621459.1957.10501404.
    .. [4] E. Miller (2024). Adding error bars to evals. arXiv:2411.00640.

    Examples
    --------
    >>> from uq import estimate_difference
    >>> a = [1] * 51 + [1] * 12 + [0] * 3
    >>> b = [1] * 51 + [0] * 12 + [1] * 3
    >>> difference = estimate_difference(a, b)
    >>> print(difference)
    0.1364, 95 % interval [0.01891, 0.261], std. error 0.05666
    n = 66; method: mcnemar, guarantee: finite-sample
    >>> round(difference.pvalue(0), 4)  # equally good models would differ this much in 3.5 % of such evaluations
    0.0352

    P(A > B), the posterior probability that A is the better model on average:

    >>> round(1 - estimate_difference(a, b, method="dirichlet").pvalue(0, "greater"), 4)
    0.9894
    """
    owner = "estimate_difference"
    check_option(method, METHODS, owner, "method")
    n_resamples = check_count(n_resamples, owner, "n_resamples")
    check_jobs(n_jobs, owner)
    seeded = rng is not None
    rng = check_rng(rng, owner)
    if (metric is None) != (y_true is None):
        raise InputError(f"{owner}: metric and y_true belong together; got only one of them.")
    if metric is not None:
        return _metric_difference(
            owner, a, b, groups, metric, y_true, method, bounds, n_resamples, rng, n_jobs, nan_policy
        )
    a = check_vector(a, owner, "a", nan_policy=nan_policy)
    b = check_vector(b, owner, "b", nan_policy=nan_policy)
    check_same_length(owner, a=a, b=b)
    codes = None if groups is None else check_groups(groups, owner, len(a))[0]
    (a, b, codes), _, n_dropped = drop_missing(owner, a, b, codes)
    if codes is not None and n_dropped:
        codes = check_groups(codes, owner, len(a))[0]
    if bounds is not None:
        low, high = check_bounds(bounds, owner, np.concatenate([a, b]), "a and b")
        bounds = (low - high, high - low)
    if method == "auto":
        method = _choose(a, b, codes, bounds)
    if method in ("mcnemar", "dirichlet"):
        refuses(owner, method, groups=codes)
        check_binary(a, owner, "a")
        check_binary(b, owner, "b")
        return _binary_difference(a, b, method, n_dropped)
    # the differences are formed once; everything else is the mean's own business
    rng = rng if seeded or method == "bootstrap" else None
    return mean_estimate(owner, a - b, codes, bounds, method, n_resamples, rng, n_jobs, n_dropped)


def _choose(a, b, codes, bounds):
    if bounds is not None:
        return "betting"
    if codes is not None:
        return "cluster"
    return "mcnemar" if is_binary(a) and is_binary(b) else "t"


def _binary_difference(a, b, method, n_dropped):
    only_a, only_b, n = int(np.count_nonzero(a > b)), int(np.count_nonzero(b > a)), len(a)
    law: McNemarLaw | DirichletLaw
    if method == "mcnemar":
        law, guarantee = McNemarLaw(only_a=only_a, only_b=only_b, n=n), "finite-sample"
        estimate, error = moments(a - b)
    else:
        law, guarantee = DirichletLaw(only_a=only_a, only_b=only_b, n=n), "posterior"
        estimate, error = law.moments()
    return Estimate(
        estimate=estimate, std_error=error, n=n, method=method, guarantee=guarantee, law=law, n_dropped=n_dropped
    )


def _metric_difference(owner, a, b, groups, metric, y_true, method, bounds, n_resamples, rng, n_jobs, nan_policy):
    check_metric(metric, owner, "Groups stand before it: estimate_difference(a, b, metric=..., y_true=...).")
    if method not in ("auto", "bootstrap"):
        raise InputError(f"{owner}: with a metric, method must be 'auto' or 'bootstrap'; got {method!r}.")
    if bounds is not None:
        raise InputError(f"{owner}: bounds belong to scores, not to a metric; got bounds={bounds!r} with a metric.")
    if not isinstance(nan_policy, str) or nan_policy != "raise":
        raise InputError(f"{owner}: nan_policy must be 'raise' with a metric; got {nan_policy!r}.")
    arrays = tuple(as_rows(x, owner, name) for x, name in ((y_true, "y_true"), (a, "a"), (b, "b")))
    check_same_length(owner, y_true=arrays[0], a=arrays[1], b=arrays[2])
    codes = None if groups is None else check_groups(groups, owner, len(arrays[0]))[0]
    return metric_estimate(owner, _Difference(metric), arrays, codes, n_resamples, rng, n_jobs)


class _Difference:
    """metric(y_true, a) - metric(y_true, b), as an object that processes can be sent."""

    def __init__(self, metric):
        self.metric = metric

    def __call__(self, y_true, a, b):
        return self.metric(y_true, a) - self.metric(y_true, b)
