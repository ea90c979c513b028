"""Means, effects and regressions as contrasts, against SciPy and brute force."""

import numpy as np
import pytest
from contracts import require
from scipy import stats

from causal._functional import ate_functional, mean_functional, ols_functional, satterthwaite
from uq._base.groups import cluster_sums


def rows(n=40, seed=0):
    rng = np.random.default_rng(seed)
    return rng, rng.exponential(size=n) * 3 - 1, (np.arange(n) % 3 == 0).astype(float)


def kish(values, groups=None):
    values = values if groups is None else np.stack([values[groups == g].sum(axis=0) for g in np.unique(groups)])
    return values.sum(axis=0) ** 2 / (values**2).sum(axis=0)


def variance(functional, f, groups=None):
    values = functional.influence(f, groups)
    return (values**2).sum(axis=0)


def test_the_mean_has_the_error_of_the_mean():
    _, f, _ = rows()
    mean = mean_functional(len(f))
    assert mean.value(f)[0] == pytest.approx(f.mean(), rel=1e-14)
    assert variance(mean, f)[0] == pytest.approx(f.var(ddof=1) / len(f), rel=1e-13)
    assert mean.df(mean.influence(f))[0] == len(f) - 1


def test_the_effect_is_welchs():
    _, f, arm = rows()
    effect = ate_functional(arm)
    welch = stats.ttest_ind(f[arm == 1], f[arm == 0], equal_var=False)
    low, high = welch.confidence_interval()
    influence = effect.influence(f)
    df = effect.df(influence)[0]
    assert df == pytest.approx(welch.df, rel=1e-12)
    half = stats.t.isf(0.025, df) * np.sqrt(variance(effect, f)[0])
    assert effect.value(f)[0] - half == pytest.approx(low, rel=1e-12)
    assert effect.value(f)[0] + half == pytest.approx(high, rel=1e-12)


def test_propensities_weight_each_arm_by_its_own_probability():
    rng, f, arm = rows()
    w, p = rng.random(40) + 0.1, rng.uniform(0.2, 0.8, 40)
    effect = ate_functional(arm, w, p)
    one, none = (np.average(f[arm == a], weights=(w / np.where(a, p, 1 - p))[arm == a]) for a in (1, 0))
    assert effect.value(f)[0] == pytest.approx(one - none, rel=1e-13)


@pytest.mark.parametrize("weighted", [False, True])
def test_least_squares_agrees_with_statsmodels(weighted):
    sm = require("statsmodels.api")
    rng, f, _ = rows()
    X = np.column_stack([np.ones(40), rng.normal(size=(40, 2))])
    w = rng.random(40) + 0.1 if weighted else None
    ours = ols_functional(X, w)
    theirs = (sm.WLS(f, X, weights=w) if weighted else sm.OLS(f, X)).fit(cov_type="HC1")
    values = ours.influence(f)
    assert np.allclose(ours.value(f), theirs.params, rtol=1e-11)
    assert np.allclose(values.T @ values, theirs.cov_params(), rtol=1e-9)
    groups = np.arange(40) // 4
    theirs = (sm.WLS(f, X, weights=w) if weighted else sm.OLS(f, X)).fit(
        cov_type="cluster", cov_kwds={"groups": groups}
    )
    values = ours.influence(f, groups)
    assert np.allclose(values.T @ values, theirs.cov_params(), rtol=1e-9)
    assert np.allclose(
        ours.df(values, groups), kish(np.linalg.pinv(X if w is None else X * np.sqrt(w)[:, None]).T ** 2, groups) - 1
    )


def test_clusters_within_arms_are_the_rows_of_their_means():
    """With clusters of one size the effect has Welch's error on the cluster means."""
    rng, _, _ = rows()
    groups = np.repeat(np.arange(10), 4)
    arm = (groups < 4).astype(float)
    f = rng.normal(size=40) + rng.normal(size=10)[groups] * 2
    means = np.bincount(groups, f) / 4
    welch = stats.ttest_ind(means[:4], means[4:], equal_var=False)
    effect = ate_functional(arm)
    values = effect.influence(f, groups)
    assert np.sqrt((values**2).sum()) == pytest.approx(effect.value(f)[0] / welch.statistic, rel=1e-12)
    assert effect.df(values, groups)[0] == pytest.approx(welch.df, rel=1e-12)


def test_clusters_of_different_sizes_have_one_over_what_they_leave():
    rng, f, _ = rows(60)
    groups = np.minimum(np.arange(60) // 3, 12)  # twelve of 3 rows, one of 24
    raw = np.bincount(groups, f - f.mean()) / 60
    shares = np.bincount(groups) / 60
    assert variance(mean_functional(60), f, groups)[0] == pytest.approx((raw**2 / (1 - shares)).sum(), rel=1e-12)
    # without dependence within clusters that is the variance, on average
    draws = [variance(mean_functional(60), rng.normal(size=60), groups)[0] for _ in range(4000)]
    assert np.mean(draws) == pytest.approx(1 / 60, rel=0.05)


def test_clusters_of_one_row_are_rows():
    _, f, arm = rows()
    for functional in (mean_functional(40), ate_functional(arm)):
        one_each = np.random.default_rng(1).permutation(40)
        assert variance(functional, f, one_each) == pytest.approx(variance(functional, f), rel=1e-12)
        values, clusters = functional.influence(f), functional.influence(f, one_each)
        assert functional.df(clusters, one_each) == pytest.approx(functional.df(values), rel=1e-12)


def test_clusters_across_arms_have_one_factor():
    _, f, arm = rows()
    groups = np.arange(40) // 4
    effect = ate_functional(arm)
    raw = cluster_sums(effect.coefficients.T * (f - effect.fitted(f))[:, None], groups)
    expected = (raw**2).sum(axis=0) * 10 / 9 * 39 / 38
    assert variance(effect, f, groups) == pytest.approx(expected, rel=1e-12)
    # both arms have the same error per row that carries them, so that a cluster counts by the sum of its two shares
    shares = np.abs(effect.coefficients[0])
    masses = [np.bincount(groups, shares * (arm == a)) for a in (0, 1)]
    assert effect.df(raw, groups)[0] == pytest.approx(kish(sum(m * (m**2).sum() for m in masses)) - 1)


@pytest.mark.parametrize(
    ("arm", "groups"),
    [
        ([1, 0, 0, 0], None),
        ([1, 1, 0, 0], [0, 0, 1, 2]),  # one treated cluster, whose residuals sum to 0
        ([1, 1, 0, 0], [0, 0, 0, 1]),  # the treated in one cluster, which has others, too
        ([1, 0, 1, 0], [0, 0, 0, 0]),
    ],
    ids=["one treated row", "one treated cluster", "one cluster of the treated", "one cluster"],
)
def test_an_arm_that_is_alone_says_nothing(arm, groups):
    f = np.array([1.0, 2.0, 4.0, 8.0])
    effect = ate_functional(np.array(arm, float))
    groups = None if groups is None else np.array(groups)
    values = effect.influence(f, groups)
    assert np.isinf((values**2).sum())
    assert (effect.df(values, groups) >= 1).all()


def test_one_row_and_one_cluster_say_nothing_of_a_mean():
    assert np.isinf(mean_functional(1).influence(np.ones(1))).all()
    assert np.isinf(mean_functional(3).influence(np.arange(3.0), np.zeros(3, int))).all()
    assert np.isinf(ols_functional(np.eye(2)).influence(np.ones(2))).any()


@pytest.mark.parametrize("grouped", [False, True])
def test_degrees_of_freedom_are_those_of_what_carries_the_estimate(grouped):
    rng, f, _ = rows(60)
    groups = rng.integers(0, 20, 60) if grouped else None
    w = rng.lognormal(size=60)
    mean = mean_functional(60, w)
    assert mean.df(mean.influence(f, groups), groups)[0] == pytest.approx(kish(w[:, None], groups)[0] - 1)
    arm = (np.arange(60) < 4).astype(float)
    effect = ate_functional(arm)
    assert effect.units(None, None)[0] == pytest.approx((1 / 4 + 1 / 56) ** 2 / (1 / 4**3 + 1 / 56**3))
    # a regressor that 4 of 60 rows have is carried by these four, as the effect of a treatment that they got is
    X = np.column_stack([np.ones(60), arm])
    plan = ols_functional(X)
    assert plan.effective()[1] == pytest.approx(effect.effective()[0], rel=1e-12)
    assert plan.df(plan.influence(f))[1] == pytest.approx(effect.effective()[0] - 1, rel=1e-12)
    # equal rows count as many as there are
    assert mean_functional(60, np.full(60, 0.3)).df(np.ones((60, 1)))[0] == 59
    assert ols_functional(np.where(np.arange(60) % 2, 1.0, -1.0)[:, None]).df(np.ones((60, 1)))[0] == 59


def test_weights_in_other_units_carry_the_same():
    rng, _, _ = rows(60)
    X, w = np.column_stack([np.ones(60), rng.normal(size=60)]), rng.lognormal(size=60)
    for units in (1e-6, 1e6):
        assert np.allclose(ols_functional(X * units, w * units).effective(), ols_functional(X, w).effective())


def test_satterthwaite():
    one, two = np.array([2.0]), np.array([3.0])
    assert satterthwaite([one, two], [np.array([4.0]), np.array([7.0])])[0] == pytest.approx(25 / (4 / 4 + 9 / 7))
    assert satterthwaite([np.zeros(1), two], [np.array([4.0]), np.array([7.0])])[0] == pytest.approx(7)
    assert satterthwaite([np.array([np.inf]), two], [np.array([4.0]), np.array([7.0])])[0] == 4
