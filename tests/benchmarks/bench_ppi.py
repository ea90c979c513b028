"""Prediction-powered inference against ppi_py: the same answers, then the time."""

import numpy as np
from harness import Row, compare
from ppi_py import (
    ppi_logistic_ci,
    ppi_logistic_pointestimate,
    ppi_mean_ci,
    ppi_ols_ci,
    ppi_ols_pointestimate,
    ppi_quantile_ci,
)
from scipy import stats
from scipy.special import expit

from causal import PredictionPowered

Z = stats.norm.isf(0.025)


def world(n=1000, many=10**6, seed=0):
    rng = np.random.default_rng(seed)
    X = np.column_stack([np.ones(n + many), rng.normal(size=(n + many, 4))])
    y = X[:, 1] + rng.normal(size=n + many)
    f = y + rng.normal(size=n + many)
    here, there = slice(0, n), slice(n, None)
    return (f[here], y[here], X[here]), (f[there], X[there])


def _normal(answer, n):
    """Return our normal interval with the peer's division by n: what differs is the t quantile and n / (n - 1)."""
    half = Z * answer.std_error * np.sqrt((n - 1) / n)
    return answer.estimate - half, answer.estimate + half


def mean_row():
    (f, y, _), (fu, _) = world()

    def agree(ours, theirs):
        gap = np.abs(np.ravel(theirs) - _normal(ours, 1000)).max()
        assert gap < 1e-6, gap
        return f"the interval to {gap:.0e}, after undoing t and n - 1"

    yield compare(
        "PPI++ mean, n = 10^3, N = 10^6",
        lambda: PredictionPowered().fit(f, y).mean(fu),
        lambda: ppi_mean_ci(y, f, fu, alpha=0.05),
        "ppi_py 0.2",
        agree,
        turns=9,
        limit="one pass over 8 MB takes .0003 s",
    )


def ols_rows():
    (f, y, X), (fu, Xu) = world()
    theirs_fixed = ppi_ols_pointestimate(X, y, f, Xu, fu, lam=0.5)
    gap = np.abs(PredictionPowered(0.5).fit(f, y, X).ols(fu, Xu).estimate - theirs_fixed).max()
    assert gap < 1e-6, gap
    # without predictions the sandwich is the same one but for n / (n - k)
    low, high = ppi_ols_ci(X, y, f, Xu, fu, lam=0, alpha=0.05)
    ours = PredictionPowered(0).fit(f, y, X).ols(fu, Xu).std_error
    assert np.allclose((high - low) / 2 / Z * np.sqrt((1000 - 1) / 1000 * 1000 / 995), ours, rtol=1e-3)

    def agree(ours, theirs):
        error = (theirs[1] - theirs[0]) / 2 / Z
        assert np.abs(ours.estimate - (theirs[0] + theirs[1]) / 2).max() < 0.2 * ours.std_error.min()
        return (
            f"estimates at lambda = .5 to {gap:.0e}; errors {np.mean(ours.std_error):.4f}, theirs {np.mean(error):.4f} "
            "(other lambda; their sandwich holds the coefficients of y against the predictions)"
        )

    yield compare(
        "PPI++ OLS, d = 5, n = 10^3, N = 10^6",
        lambda: PredictionPowered().fit(f, y, X).ols(fu, Xu),
        lambda: ppi_ols_ci(X, y, f, Xu, fu, alpha=0.05),
        "ppi_py 0.2",
        agree,
        turns=2,
        limit="X'X alone takes .02 s",
    )


def logistic_row():
    (f, y, X), (fu, Xu) = world()
    y, f, fu = (y > 0).astype(float), expit(f), expit(fu)
    fixed = ppi_logistic_pointestimate(X, y, f, Xu, fu, lam=0.5)

    def agree(ours, theirs):
        gap = np.abs(PredictionPowered(0.5).fit(f, y, X).logistic(fu, Xu).estimate - fixed).max()
        assert gap < 1e-6, gap
        error = (theirs[1] - theirs[0]) / 2 / Z * np.sqrt(1000 / 995)
        assert np.allclose(ours.std_error, error, rtol=0.02)
        return f"estimates at lambda = .5 to {gap:.0e}, errors at lambda = 1 within 2 %"

    yield compare(
        "PPI logistic, d = 5, lambda = 1, n = 10^3, N = 10^6",
        lambda: PredictionPowered(1).fit(f, y, X).logistic(fu, Xu),
        lambda: ppi_logistic_ci(X, y, f, Xu, fu, lam=1, alpha=0.05),
        "ppi_py 0.2",
        agree,
        turns=2,
    )


def quantile_rows():
    (f, y, _), (fu, _) = world(many=10**5)
    step = np.ptp(np.concatenate([y, f, fu])) / 4999

    def agree(ours, theirs):
        inner, outer = ours.law.interval(0.94, "two-sided"), ours.law.interval(0.96, "two-sided")
        # between ours at a little less and at a little more: theirs has no t and no pseudo-rows
        assert outer[0] - step <= theirs[0] <= inner[0] + step
        assert inner[1] - step <= theirs[1] <= outer[1] + step
        gap = np.abs(np.subtract([*ours.conf_int()], theirs)).max()
        return f"ends within {gap:.4f}, their grid has steps of {step:.4f}"

    yield compare(
        "PPI median, n = 10^3, N = 10^5",
        lambda: PredictionPowered(1).fit(f, y).quantile(fu, 0.5),
        lambda: ppi_quantile_ci(y, f, fu, 0.5, alpha=0.05),
        "ppi_py 0.2 (asks for 37 GiB at N = 10^6)",
        agree,
        turns=1,
    )
    from time import perf_counter

    (f, y, _), (fu, _) = world()
    start = perf_counter()
    PredictionPowered(1).fit(f, y).quantile(fu, 0.5)
    yield Row("PPI median, n = 10^3, N = 10^6", "none: no memory", perf_counter() - start, float("nan"), "", "")


def rows():
    return [*mean_row(), *ols_rows(), *logistic_row(), *quantile_rows()]
