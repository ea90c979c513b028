"""Means, effects and regressions as contrasts, against SciPy and brute force."""

import numpy as np
import pytest
from contracts import require
from scipy import stats

from causal._functional import ate_functional, cluster_sums, mean_functional, ols_functional, satterthwaite


def rows(n=40, seed=0):
    rng = np.random.default_rng(seed)
    return rng, rng.exponential(size=n) * 3 - 1, (np.arange(n) % 3 == 0).astype(float)


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
    assert (ours.df(values, groups) == 9).all()


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
    assert effect.df(raw, groups)[0] == 9


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


def test_satterthwaite():
    one, two = np.array([2.0]), np.array([3.0])
    assert satterthwaite([one, two], [np.array([4.0]), np.array([7.0])])[0] == pytest.approx(25 / (4 / 4 + 9 / 7))
    assert satterthwaite([np.zeros(1), two], [np.array([4.0]), np.array([7.0])])[0] == pytest.approx(7)
    assert satterthwaite([np.array([np.inf]), two], [np.array([4.0]), np.array([7.0])])[0] == 4
