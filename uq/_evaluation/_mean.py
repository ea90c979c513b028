"""The mean score of an evaluation, with the error that belongs to how the scores came about."""

from .._base.citation import cite_methods, cites
from .._base.random import check_rng
from .._base.results import Estimate
from .._base.validation import (
    check_binary,
    check_bounds,
    check_count,
    check_groups,
    check_jobs,
    check_option,
    check_vector,
    drop_missing,
    is_binary,
)
from ._mean_law import OF_COUNTS, mean_law
from ._warn import needs, refuses, warn_small

__all__ = ["METHODS", "estimate_mean", "mean_estimate"]

cite_methods(
    t="student1908",
    cluster=("student1908", "cameron2015"),
    wilson="wilson1927",
    clopper_pearson="clopper1934",
    beta="bowyer2025",
    betting="waudbysmith2024",
    hierarchical="bowyer2025",
    bootstrap="efron1987",
)
METHODS = ("auto", "t", "cluster", "wilson", "clopper_pearson", "beta", "betting", "hierarchical", "bootstrap")


@cites(
    "miller2024",
    "student1908",
    "clopper1934",
    "wilson1927",
    "waudbysmith2024",
    "bowyer2025",
    "cameron2015",
    "efron1987",
)
def estimate_mean(
    scores,
    groups=None,
    bounds=None,
    method="auto",
    *,
    n_resamples=9999,
    rng=None,
    n_jobs=None,
    nan_policy="raise",
) -> Estimate:
    """Estimate the mean score of a model, with an error that fits how the scores came about.

    Parameters
    ----------
    scores : array-like of shape (n,)
        One score per item: 0/1 for right or wrong, or any real number.
    groups : array-like of shape (n,), optional
        Cluster labels. Rows of one cluster (questions on one text, samples of one prompt) are not independent.
    bounds : (float, float), optional
        What a score can be at the least and at the most, known before the data were seen. Brings a guarantee that
        holds at any number of rows.
    method : str, default "auto"
        - "clopper_pearson", "wilson": 0/1 scores, from the exact tails of the binomial law or from its score test.
        - "beta": 0/1 scores, posterior under a uniform prior.
        - "t": standard deviation over root n, Student's t with n - 1 degrees of freedom.
        - "cluster": cluster-robust error, G/(G-1) corrected, Student's t with G - 1 degrees of freedom.
        - "betting": scores within `bounds`; with `groups` the clusters are the units.
        - "hierarchical": 0/1 scores of several tasks (`groups`), posterior of the mean over tasks.
        - "bootstrap": bias-corrected and accelerated, over rows or clusters.
        - "auto": "betting" where `bounds` are given; else "cluster" where `groups` are given; else "clopper_pearson"
          for 0/1 scores; else "t".
    n_resamples : int, default 9999
        For "bootstrap".
    rng : None, int or numpy.random.Generator, optional
        For "bootstrap", and for the order in which "betting" takes the rows (None: one fixed order, so that the same
        file gives the same interval).
    n_jobs : int, optional
        For "bootstrap"; the draws do not depend on it.
    nan_policy : {"raise", "omit"}, default "raise"
        "omit" drops rows with a NaN score and reports them as `n_dropped`.

    Returns
    -------
    Estimate
        Its ``conf_int()`` is what a mean score calls for. ``pvalue()`` tests a mean of 0 unless told otherwise, which
        says nothing about an accuracy: give it a null that means something, such as the rate of guessing
        (``pvalue(.25, "greater")`` for four choices) or the score that was asked for.

    Raises
    ------
    InputError
        For NaN (unless omitted) or infinite scores, no rows, lengths that differ, fewer than two clusters, scores
        outside `bounds`, a method that does not fit the scores, or an unknown method.

    Warns
    -----
    SmallSampleWarning
        For "t" and "bootstrap" below 30 rows, "cluster" and the cluster bootstrap below 20 clusters.

    Notes
    -----
    **Guarantee.** "clopper_pearson": finite-sample for independent 0/1 scores, never below the nominal level.
    "betting": finite-sample for independent scores within the bounds, and for independent clusters whose size says
    nothing about their mean score. "t", "wilson", "cluster" and "bootstrap": asymptotic; on skewed scores or few
    clusters they fall short. "beta" and "hierarchical": posterior. Nothing covers items drawn from another population
    than the one the statement is about.

    With `groups`, "betting" and "cluster" estimate the mean over rows, "hierarchical" the mean over tasks, every task
    counted alike.

    References
    ----------
    .. [1] E. Miller (2024). Adding error bars to evals. arXiv:2411.00640.
    .. [2] C. Clopper, E. Pearson (1934). Biometrika 26(4). doi:10.1093/biomet/26.4.404.
    .. [3] I. Waudby-Smith, A. Ramdas (2024). Estimating means of bounded random variables by betting. arXiv:2010.09686.
    .. [4] S. Bowyer, L. Aitchison, D. Ivanova (2025). Position: don't use the CLT in LLM evals. arXiv:2503.01747.

    Examples
    --------
    >>> from uq import estimate_mean
    >>> accuracy = estimate_mean([1, 1, 0, 1, 1, 1, 1, 0, 1, 1, 1, 1])
    >>> print(accuracy)
    0.8333, 95 % interval [0.5159, 0.9791], std. error 0.1124
    n = 12; method: clopper_pearson, guarantee: finite-sample
    >>> round(accuracy.pvalue(.5, "greater"), 4)  # better than tossing a coin?
    0.0193
    >>> graded = estimate_mean([.2, .9, .7, 1., .4, .8, .6, .7], bounds=(0, 1))
    >>> graded.method, graded.guarantee
    ('betting', 'finite-sample')
    """
    owner = "estimate_mean"
    check_option(method, METHODS, owner, "method")
    n_resamples = check_count(n_resamples, owner, "n_resamples")
    check_jobs(n_jobs, owner)
    seeded = rng is not None
    rng = check_rng(rng, owner)
    scores = check_vector(scores, owner, "scores", nan_policy=nan_policy)
    codes = None if groups is None else check_groups(groups, owner, len(scores))[0]
    (scores, codes), _, n_dropped = drop_missing(owner, scores, codes)
    if codes is not None and n_dropped:
        codes = check_groups(codes, owner, len(scores))[0]  # again: a cluster may have been dropped whole
    if bounds is not None:
        bounds = check_bounds(bounds, owner, scores)
    if method == "auto":
        method = _choose(scores, codes, bounds)
    return mean_estimate(
        owner,
        scores,
        codes,
        bounds,
        method,
        n_resamples,
        rng if seeded or method == "bootstrap" else None,
        n_jobs,
        n_dropped,
    )


def _choose(scores, codes, bounds):
    if bounds is not None:
        return "betting"
    if codes is not None:
        return "cluster"
    return "clopper_pearson" if is_binary(scores) else "t"


def mean_estimate(owner, scores, codes, bounds, method, n_resamples, rng, n_jobs, n_dropped, name="scores"):
    """Estimate the mean of checked scores by one named method."""
    if method in OF_COUNTS:
        refuses(owner, method, groups=codes)
        check_binary(scores, owner, name)
    elif method == "t":
        refuses(owner, method, groups=codes)
    elif method in ("cluster", "hierarchical"):
        needs(owner, method, groups=codes)
    elif method == "betting":
        needs(owner, method, bounds=bounds)
    if method == "hierarchical":
        check_binary(scores, owner, name)
    n = len(scores)
    n_groups = None if codes is None else int(codes.max()) + 1
    law, guarantee, values = mean_law(scores, codes, bounds, method, n_resamples, rng, n_jobs, n, n_groups)
    estimate, std_error = values
    if method in ("t", "cluster", "bootstrap"):
        warn_small(n, n_groups)
    return Estimate(
        estimate=estimate,
        std_error=std_error,
        n=n,
        method=method,
        guarantee=guarantee,
        law=law,
        n_groups=n_groups,
        n_dropped=n_dropped,
    )
