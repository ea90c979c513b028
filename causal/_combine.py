"""Two estimates of one quantity on rows that they share: whether they agree, and what they say together."""

import numpy as np
from scipy import stats

from uq._base.citation import cite_methods, cites
from uq._base.exceptions import InputError
from uq._base.laws import TLaw
from uq._base.results import Estimate, TestResult

from ._shared_rows import check_pair

__all__ = ["combine", "overidentification_test"]

TEST, COMBINED = "over-identification test", "combined by variance"
cite_methods(**{TEST: ("hausman1978",), COMBINED: ("hausman1978",)})
# a difference whose variance is a smaller share of the two variances is rounding
_ROUNDING = 1e-10


@cites("hausman1978")
def overidentification_test(a, b, *, ids_a=None, ids_b=None) -> TestResult:
    """Test whether two estimators estimate the same quantity, rows that both have used taken into account.

    Parameters
    ----------
    a, b : Estimate
        Of the same quantities, from `mean`, `ate` or `ols` of two estimators of this package.
    ids_a, ids_b : (array-like, array-like), optional
        Labels of the fit rows and of the apply rows behind each: the rows of `fit`, and those of the verb; with groups,
        the labels of the clusters in sorted order. The same label means the same row wherever it stands. None for a
        kind of rows that the estimate did not use: ``(labels, None)`` for `Classical`, which has fit rows alone. By
        default those that the estimates carry: the index of a pandas `y_pred`, or the labels of the groups.

    Returns
    -------
    TestResult
        `statistic` is (a - b)^2 / (V_a + V_b - 2 C), for k quantities the quadratic form divided by k; the p-value
        comes from Fisher's F with k degrees of freedom and those of the less certain estimate.

    Raises
    ------
    InputError
        For estimates without influence values or with an infinite error, estimates of different quantities (a mean and
        an effect, two quantiles), rows without labels, labels that repeat themselves or only count (two frames that
        both begin at 0), groups in a fit or a verb of one and not of the other, and two estimates whose difference does
        not vary.

    See Also
    --------
    combine : both estimates as one.
    shrinkage_diagnostic : what can be said before there are labels in the trial.

    Notes
    -----
    The covariance C sums, over the labels that both know, the products of the influence values. It is never assumed to
    be zero: two estimates from the same trial predictions move together, and a test that ignores this all but never
    rejects. Nor does the variance of the difference follow from one of them being efficient, as it does for Hausman.

    **Guarantee.** Asymptotic: if both estimate the same quantity, and rows (or clusters) with different labels are
    independent, the p-value is uniform in large samples. A small one says that one of the two rests on an assumption
    that fails, not which; that `PredictionPowered` needs fewer assumptions than a debiaser must be known from
    elsewhere. A large one is no proof. Do not use it to decide whether to `combine`: an interval that survived a test
    does not keep its level.

    References
    ----------
    .. [1] J. A. Hausman (1978). Specification tests in econometrics. Econometrica 46(6). doi:10.2307/1913827.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from causal import Classical, Naive, overidentification_test
    >>> rng = np.random.default_rng(0)
    >>> trial = pd.DataFrame({"y": rng.normal(size=500)}, index=[f"t{i}" for i in range(500)])
    >>> trial["y_pred"] = .5 * trial["y"] + .2
    >>> labelled = trial[:200]
    >>> naive = Naive().fit(labelled["y_pred"], labelled["y"]).mean(trial["y_pred"])
    >>> classical = Classical().fit(labelled["y_pred"], labelled["y"]).mean(trial["y_pred"])
    >>> overidentification_test(naive, classical).pvalue < .01
    True
    """
    owner = "overidentification_test"
    pair = check_pair(a, b, ids_a, ids_b, owner)
    k = len(pair.values_a)
    size = np.sqrt(np.diag(pair.v_a) + np.diag(pair.v_b))
    with np.errstate(divide="ignore", invalid="ignore"):
        scaled = pair.v_difference / np.outer(size, size)
    if not np.isfinite(scaled).all() or np.linalg.eigvalsh(scaled)[0] <= _ROUNDING:
        raise InputError(
            f"{owner}: a and b must differ by chance in all of their values; the difference of {a.method!r} and "
            f"{b.method!r} does not vary on these rows. Two runs of one estimator on the same rows cannot test it."
        )
    with np.errstate(over="ignore", invalid="ignore"):
        difference = (pair.values_a - pair.values_b) / pair.unit / size
        statistic = float(difference @ np.linalg.solve(scaled, difference)) / k
    statistic = statistic if np.isfinite(statistic) else np.inf
    df = min(float(np.min(df)) for df in pair.df)
    pvalue = stats.f.sf(statistic, k, df) if np.isfinite(df) else stats.chi2.sf(k * statistic, k)
    return TestResult(
        statistic=statistic,
        pvalue=float(pvalue),
        method=TEST,
        guarantee="asymptotic",
        n=_n_labels(pair),
    )


@cites("hausman1978")
def combine(a, b, *, ids_a=None, ids_b=None) -> Estimate:
    """Average two estimates of one quantity with the weights of least variance, shared rows taken into account.

    Parameters
    ----------
    a, b : Estimate
        Of the same quantities, from `mean`, `ate` or `ols` of two estimators of this package.
    ids_a, ids_b : (array-like, array-like), optional
        As in `overidentification_test`.

    Returns
    -------
    Estimate
        w a + (1 - w) b with w = (V_b - C) / (V_a + V_b - 2 C) and variance (V_a V_b - C^2) / (V_a + V_b - 2 C); for
        several coefficients each has its own w. Its `n` counts the rows, or clusters, of both. It carries influence
        values and can be combined further.

    Raises
    ------
    InputError
        As `overidentification_test` does, save that two estimates whose difference does not vary are averaged.

    See Also
    --------
    overidentification_test : do they agree at all?

    Notes
    -----
    w may lie outside [0, 1]: where b moves with a and more widely, a - (b - a) v is better than both.

    **Guarantee.** Asymptotic: if both estimates are consistent for the same quantity, the interval covers with the
    level that it states, in large samples; that the weights are estimated changes nothing at first order. It is biased
    as soon as one of the two is. Combine regardless of the test or not at all: to combine only where the test does not
    reject voids the interval. Combine estimates whose errors have different sources, such as a debiaser and labels
    within the trial. Where both move with the same few rows, the weights are fitted to noise: two debiasers of one set
    of 150 calibration rows covered 90 % (linear and spline) and 84 % (linear and Tweedie) at nominal 95 %, and the
    linear one alone 96 %.

    References
    ----------
    .. [1] J. A. Hausman (1978). Specification tests in econometrics. Econometrica 46(6). doi:10.2307/1913827.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from causal import Classical, LinearDebiaser, combine
    >>> rng = np.random.default_rng(0)
    >>> y = rng.normal(size=1500)
    >>> rows = pd.DataFrame({"y": y, "y_pred": .5 * y + .4 * rng.normal(size=1500)}, [f"r{i}" for i in range(1500)])
    >>> survey, trial, labelled = rows[:500], rows[500:], rows[500:600]
    >>> debiased = LinearDebiaser(nondifferential=True).fit(survey["y_pred"], survey["y"]).mean(trial["y_pred"])
    >>> classical = Classical().fit(labelled["y_pred"], labelled["y"]).mean(trial["y_pred"])
    >>> both = combine(debiased, classical)
    >>> bool(both.std_error < min(debiased.std_error, classical.std_error))
    True
    """
    owner = "combine"
    pair = check_pair(a, b, ids_a, ids_b, owner)
    v_a, v_b, c = np.diag(pair.v_a), np.diag(pair.v_b), np.diag(pair.c)
    spread = v_a + v_b - 2 * c
    varies = spread > _ROUNDING * (v_a + v_b)
    weight = np.where(varies, (v_b - c) / np.where(varies, spread, 1.0), 0.5)
    estimate = weight * pair.values_a + (1 - weight) * pair.values_b
    scaled = pair.combined_cov(weight)
    std_error = pair.unit * np.sqrt(np.diag(scaled))
    with np.errstate(over="ignore", under="ignore"):
        cov = scaled * np.outer(pair.unit, pair.unit)
    # at the best weights the two parts of the variance are w and 1 - w
    df_a, df_b = pair.df
    doubt = weight**2 / df_a + (1 - weight) ** 2 / df_b
    df = np.where(doubt > 0, 1 / np.where(doubt > 0, doubt, 1.0), np.inf)
    df = np.where((weight >= 0) & (weight <= 1), df, np.minimum(df_a, df_b))
    scalar = np.ndim(a.estimate) == 0
    shape = (lambda x: float(x[0])) if scalar else (lambda x: x)
    return Estimate(
        estimate=shape(estimate),
        std_error=shape(std_error),
        n=_n_labels(pair),
        method=COMBINED,
        guarantee="asymptotic" if {a.guarantee, b.guarantee} <= {"exact", "finite-sample", "asymptotic"} else "none",
        law=TLaw(estimate=shape(estimate), std_error=shape(std_error), df=shape(df)),
        names=a.names,
        cov=None if scalar or not np.isfinite(cov).all() else cov,
        n_groups=None if a.n_groups is None else _n_labels(pair),
        influence=pair.combined_influence(weight),
    )


def _n_labels(pair):
    return pair.size
