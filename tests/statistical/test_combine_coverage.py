"""Size of the over-identification test and coverage of combined intervals, with shared trial rows.

A debiaser and prediction-powered inference read the same trial predictions. What ignoring that does is shown beside.
"""

import numpy as np
import pytest
from scipy import stats

from causal import Classical, LinearDebiaser, PredictionPowered, combine, overidentification_test

SURVEY, TRIAL, LABELLED = 400, 1000, 200
IDS = {
    "ids_a": (np.arange(SURVEY), SURVEY + np.arange(TRIAL)),
    "ids_b": (SURVEY + np.arange(LABELLED), SURVEY + np.arange(LABELLED, TRIAL)),
}
OUTCOMES = {
    "normal": lambda rng, n: rng.normal(size=n),
    "skewed": lambda rng, n: rng.exponential(size=n),
    "discrete": lambda rng, n: rng.integers(0, 3, n).astype(float),
}


def draw(rng, law, slope=0.8):
    """Return both estimates of an effect of .5, from a world in which predictions depend on the outcome alone."""
    outcome = OUTCOMES[law]
    y_cal = outcome(rng, SURVEY)
    treatment = rng.integers(0, 2, TRIAL)
    y = 0.5 * treatment + outcome(rng, TRIAL)
    z_cal, z = (slope * v + 0.4 * rng.normal(size=len(v)) for v in (y_cal, y))
    few, rest = slice(LABELLED), slice(LABELLED, None)
    a = LinearDebiaser(nondifferential=True).fit(z_cal, y_cal).ate(z, treatment)
    b = PredictionPowered().fit(z[few], y[few], treatment=treatment[few]).ate(z[rest], treatment[rest])
    return a, b


def within(count, reps, level):
    """Tell whether a count is one that a binomial law of this level gives, at 1e-4 on each side."""
    return stats.binom.sf(count - 1, reps, level) > 1e-4 and stats.binom.cdf(count, reps, level) > 1e-4


def simulate(law, reps, seed=0):
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(reps):
        a, b = draw(rng, law)
        both = combine(a, b, **IDS)
        lower, upper = both.conf_int()
        v_a, v_b = a.std_error**2, b.std_error**2
        blind = stats.norm.sf(abs(a.estimate - b.estimate) / np.sqrt(v_a + v_b)) * 2
        weight = v_b / (v_a + v_b)
        careless = abs(weight * a.estimate + (1 - weight) * b.estimate - 0.5) <= 1.96 * np.sqrt(v_a * v_b / (v_a + v_b))
        rows.append(
            [overidentification_test(a, b, **IDS).pvalue < 0.05, lower <= 0.5 <= upper, blind < 0.05, careless,
             both.std_error / min(a.std_error, b.std_error), a.estimate, b.estimate, both.estimate, both.std_error]
        )  # fmt: skip
    return np.array(rows, dtype=float)


@pytest.mark.slow
@pytest.mark.parametrize("law", ["skewed"])
def test_size_and_coverage(law):
    rows = simulate(law, 200)
    rejected, covered = rows[:, 0].sum(), rows[:, 1].sum()
    assert within(rejected, 200, 0.05), rejected
    assert within(covered, 200, 0.95), covered
    assert (rows[:, 4] <= 1 + 1e-9).all()  # never wider than the better of the two


@pytest.mark.slow
@pytest.mark.parametrize("law", OUTCOMES)
def test_size_and_coverage_in_many_runs_and_what_independence_would_do(law):
    rows = simulate(law, 500, seed=1)
    rejected, covered, blind, careless = rows[:, :4].sum(axis=0)
    assert within(rejected, 500, 0.05), rejected
    assert within(covered, 500, 0.95), covered
    # a covariance of zero: the test sleeps, and the interval is too short
    assert blind < 0.035 * 500, blind
    assert careless < 0.93 * 500, careless
    # the errors stated are those seen
    assert rows[:, 8].mean() == pytest.approx(rows[:, 7].std(), rel=0.1)
    assert rows[:, 7].std() < min(rows[:, 5].std(), rows[:, 6].std())


def test_power_in_the_wrong_world():
    """y depends on the treatment through the predictions: the debiaser inflates the effect, and the test sees it."""
    rng = np.random.default_rng(2)
    seen = 0
    for _ in range(60):
        treatment = rng.integers(0, 2, TRIAL)
        z_cal, z = rng.normal(size=SURVEY), treatment + rng.normal(size=TRIAL)
        y_cal, y = z_cal + rng.normal(size=SURVEY), z + rng.normal(size=TRIAL)
        a = LinearDebiaser(nondifferential=True).fit(z_cal, y_cal).ate(z, treatment)
        few, rest = slice(LABELLED), slice(LABELLED, None)
        b = PredictionPowered().fit(z[few], y[few], treatment=treatment[few]).ate(z[rest], treatment[rest])
        seen += overidentification_test(a, b, **IDS).pvalue < 0.05
    assert seen > 55


@pytest.mark.slow
def test_clusters_that_both_share():
    """Villages of the trial have an effect of their own; both estimates see the same ones."""
    rng = np.random.default_rng(3)
    village = np.repeat(np.arange(60), 10)
    names = np.array([f"v{i:02d}" for i in village])
    rejected = covered = naive = 0
    reps = 500
    for _ in range(reps):
        y_cal = rng.normal(size=SURVEY)
        shock = 0.5 * rng.normal(size=60)
        treatment = rng.integers(0, 2, 60)[village]
        y = 0.5 * treatment + shock[village] + rng.normal(size=600)
        z_cal, z = (0.7 * v + 0.4 * rng.normal(size=len(v)) for v in (y_cal, y))
        a = LinearDebiaser(nondifferential=True).fit(z_cal, y_cal).ate(z, treatment, groups=names)
        few = np.arange(600) % 10 < 3  # labels in every village
        b = Classical().fit(z[few], y[few], treatment=treatment[few], groups=names[few]).ate()
        labels = np.unique(names)
        ids = {"ids_a": (np.arange(SURVEY), labels), "ids_b": (labels, np.empty(0, dtype=object))}
        rejected += overidentification_test(a, b, **ids).pvalue < 0.05
        lower, upper = combine(a, b, **ids).conf_int()
        covered += lower <= 0.5 <= upper
        naive += stats.norm.sf(abs(a.estimate - b.estimate) / np.hypot(a.std_error, b.std_error)) * 2 < 0.05
    assert within(rejected, reps, 0.05), rejected
    # 60 clusters: the sandwich itself is a little short
    assert stats.binom.cdf(covered, reps, 0.94) > 1e-4, covered
    assert naive < 0.01 * reps
