"""What debiasing repairs, what its intervals cover, and where both fail: the tables of the two worlds.

A simulated coverage is judged by an exact binomial band: so many of `reps` that a binomial count of the level stated
leaves the band with probability 2e-4. Failures that theory predicts are asserted as failures.
"""

import warnings
from functools import cache

import numpy as np
import pytest
from scipy import stats

from causal import Classical, LinearDebiaser, Naive, SplineDebiaser, TweedieDebiaser
from uq.exceptions import ExtrapolationWarning, SmallSampleWarning

SURE = {"nondifferential": True}


def inside(covered, reps, level=0.95):
    """Tell whether a count is in the band around `level`."""
    low, high = stats.binom.ppf([1e-4, 1 - 1e-4], reps, level)
    return low <= covered <= high


def not_below(covered, reps, level=0.95):
    return stats.binom.cdf(covered, reps, level) > 1e-4


def covers(estimate, truth, level=0.95):
    lower, upper = estimate.law.interval(level, "two-sided")
    return (np.asarray(lower) <= truth) & (truth <= np.asarray(upper))


def shrunk(y, slope, rng):
    """Return predictions of slope `slope` on y whose own law is that of E[y | x] for a standard normal y."""
    return slope * y + np.sqrt(slope * (1 - slope)) * rng.normal(size=np.shape(y))


def run(reps, once, seed=1):
    rng = np.random.default_rng(seed)
    with warnings.catch_warnings():
        for expected in (SmallSampleWarning, ExtrapolationWarning):
            warnings.simplefilter("ignore", expected)
        return np.array([once(rng) for _ in range(reps)], dtype=float)


# ---- the first table: attenuation, and what the calibration step adds


def linear_table(slope, tau, n_cal, n_trial):
    def once(rng):
        y = rng.normal(size=n_cal)
        fitted = LinearDebiaser(**SURE).fit(shrunk(y, slope, rng), y)
        arm = np.arange(n_trial) % 2
        z = shrunk(rng.normal(size=n_trial) + tau * arm, slope, rng)
        delta = fitted.ate(z, arm)
        ignored = 1.96 * np.sqrt((delta.influence.apply**2).sum())
        naive = Naive().fit([0, 1], [0, 1]).ate(z, arm)
        return (
            covers(naive, tau),
            abs(delta.estimate - tau) <= ignored,
            covers(delta, tau),
            covers(fitted.ate(z, arm, method="fieller"), tau),
        )

    return once


@pytest.mark.parametrize(
    ("slope", "tau", "n_cal", "n_trial", "ignored"),
    [
        (0.5, 0.5, 200, 2000, 0.912),
        (0.5, 2, 200, 2000, 0.590),
        pytest.param(0.5, 2, 1000, 2000, 0.838, marks=pytest.mark.slow),
        (0.3, 1, 100, 2000, 0.640),
        pytest.param(0.5, 1, 200, 1000, 0.873, marks=pytest.mark.slow),
    ],
)
@pytest.mark.slow
def test_the_interval_covers_and_one_without_the_calibration_step_does_not(slope, tau, n_cal, n_trial, ignored):
    reps = 500
    naive, without, delta, fieller = run(reps, linear_table(slope, tau, n_cal, n_trial)).sum(axis=0)
    assert naive == 0
    assert inside(without, reps, ignored)
    assert inside(delta, reps)
    assert inside(fieller, reps)


@pytest.mark.slow
def test_ignoring_the_calibration_step_covers_59_percent():
    reps = 4000
    naive, without, delta, fieller = run(reps, linear_table(0.5, 2, 200, 2000), seed=2).mean(axis=0)
    assert naive == 0
    assert without == pytest.approx(0.59, abs=0.03)
    assert delta == pytest.approx(0.945, abs=0.012)
    assert fieller == pytest.approx(0.945, abs=0.012)


@pytest.mark.slow
def test_a_weak_slope_needs_fieller():
    """Slope .05 and 100 calibration rows: .893 at first order.

    Fieller's set has the level; where it is a complement of an interval the answer is the whole line, which has more.
    """
    reps = 1000

    def once(rng):
        y = rng.normal(size=100)
        fitted = LinearDebiaser(**SURE).fit(shrunk(y, 0.05, rng), y)
        arm = np.arange(1000) % 2
        z = shrunk(rng.normal(size=1000) + arm, 0.05, rng)
        return covers(fitted.ate(z, arm), 1), covers(fitted.ate(z, arm, method="fieller"), 1)

    delta, fieller = run(reps, once).sum(axis=0)
    assert not not_below(delta, reps)
    assert not_below(fieller, reps)


# ---- the line on other laws


def laws(name, n, rng):
    """Return outcomes, and predictions with a linear E[z | y]: skewed, counted, tied, heavy-tailed, uneven errors."""
    y = {
        "skewed": lambda: rng.exponential(size=n),
        "counts": lambda: rng.poisson(2, n).astype(float),
        "tied": lambda: rng.choice([0.0, 0.5, 2.0], n),
        "heavy": lambda: rng.standard_t(5, n),
        "uneven": lambda: rng.normal(size=n),
    }[name]()
    return y


def predict(name, y, rng):
    if name == "uneven":
        return 0.6 * y + 0.3 * (1 + np.abs(y)) * rng.normal(size=len(y))
    if name == "skewed":
        return 0.6 * y + rng.exponential(size=len(y)) / 2
    return 0.6 * y + 0.5 * rng.normal(size=len(y))


@pytest.mark.parametrize("method", ["delta", pytest.param("fieller", marks=pytest.mark.slow)])
@pytest.mark.parametrize("law", ["skewed", "counts", "tied", "heavy", "uneven"])
@pytest.mark.slow
def test_the_line_covers_on_other_laws(law, method):
    """E[z | y] is a line, nothing else is normal; 150 calibration rows, 300 in the trial."""
    reps, level = 400, 0.9
    truth = {"skewed": 1.0, "counts": 2.0, "tied": 2.5 / 3}.get(law, 0.0)

    def once(rng):
        y = laws(law, 150, rng)
        fitted = LinearDebiaser(**SURE).fit(predict(law, y, rng), y)
        arm = np.arange(300) % 2
        z = predict(law, laws(law, 300, rng) + arm, rng)
        mean = fitted.mean(z[arm == 0], method=method)
        return covers(fitted.ate(z, arm, method=method), 1, level), covers(mean, truth, level)

    for covered in run(reps, once).sum(axis=0):
        assert not_below(covered, reps, level - 0.01)  # asymptotic


def test_regressions_cover():
    reps = 400

    def once(rng):
        y = rng.normal(size=200)
        fitted = LinearDebiaser(**SURE).fit(shrunk(y, 0.5, rng), y)
        x = rng.exponential(size=500)
        z = shrunk(1 + 0.5 * x + (0.5 + 0.5 * x) * rng.normal(size=500), 0.5, rng)
        return covers(fitted.ols(z, np.column_stack([np.ones(500), x])), np.array([1, 0.5]))

    for covered in run(reps, once).sum(axis=0):
        assert inside(covered, reps)


@pytest.mark.slow
def test_clusters_and_weights_cover():
    reps = 400

    def clustered(n_groups, size, tau, rng):
        groups = np.repeat(np.arange(n_groups), size)
        arm = groups % 2
        y = rng.normal(size=n_groups)[groups] + rng.normal(size=len(groups)) + tau * arm
        error = 0.7 * rng.normal(size=n_groups)[groups] + 0.7 * rng.normal(size=len(groups))
        return 0.5 * y + error, y, arm, groups

    def once(rng):
        z, y, _, groups = clustered(60, 5, 0, rng)
        # rows with large outcomes are drawn less often, and weighted up
        new, _, arm, others = clustered(50, 8, 1, rng)
        rows = LinearDebiaser(**SURE).fit(z, y).ate(new, arm)
        keep = rng.random(300) < (p := 1 / (1 + np.exp(y / 2)))
        weighted = LinearDebiaser().fit(z[keep], y[keep], sample_weight=1 / p[keep], groups=groups[keep])
        estimate = weighted.ate(new, arm, groups=others)
        return covers(rows, 1), covers(estimate, 1)

    rows, clusters = run(reps, once).sum(axis=0)
    assert not not_below(rows, reps)  # clusters ignored
    assert inside(clusters, reps)


@pytest.mark.slow
def test_propensities_and_few_rows_cover():
    reps = 1500

    def once(rng):
        y = rng.normal(size=25)
        fitted = LinearDebiaser(**SURE).fit(shrunk(y, 0.7, rng), y)
        x = rng.normal(size=120)
        p = 1 / (1 + np.exp(-0.7 * x))
        arm = (rng.random(120) < p).astype(int)
        z = shrunk(x + rng.normal(size=120) + arm, 0.7, rng)
        known = fitted.ate(z, arm, propensity=p)
        classical = Classical().fit(x, x + arm, treatment=arm).ate()
        few = fitted.mean(shrunk(rng.normal(size=15), 0.7, rng), method="fieller")
        return covers(known, 1), covers(classical, 1), covers(few, 0)

    known, confounded, few = run(reps, once).sum(axis=0)
    assert not_below(known, reps, 0.93)
    assert not not_below(confounded, reps, 0.5)
    assert not_below(few, reps, 0.94)


# ---- the other world


def test_in_the_other_world_the_correction_spoils_what_was_right():
    """The outcome depends on the treatment through the prediction alone: naive is right, a correction doubles."""
    rng = np.random.default_rng(3)
    z = rng.normal(size=5000)
    y = z + rng.normal(size=5000)
    arm = np.arange(100_000) % 2
    new = rng.normal(size=100_000) + 0.5 * arm
    effect = {
        name: one.fit(z, y).ate(new, arm).estimate
        for name, one in (("naive", Naive()), ("linear", LinearDebiaser(**SURE)), ("tweedie", TweedieDebiaser(**SURE)))
    }
    assert effect["naive"] == pytest.approx(0.5, abs=0.03)
    assert effect["linear"] == pytest.approx(1.0, abs=0.08)
    assert effect["tweedie"] == pytest.approx(1.0, abs=0.08)


# ---- the second table: curves


def rows_of(law, n, rng):
    """Return (z, y) of the spec's laws: Berkson with normal, mixed and uneven errors, and the classical line."""
    if law == "gauss":
        z = rng.normal(size=n)
        return z, z + rng.normal(size=n)
    if law == "mixture":
        part = rng.choice(4, n, p=[0.64, 0.16, 0.16, 0.04])
        z = rng.normal(np.array([5, 7.2, 13, 14.2])[part], np.array([1.0, 2, 4, 5])[part])
        return z, z + rng.normal(size=n)
    if law == "uneven":
        z = rng.gamma(4, 1, n)
        return z, z + (0.3 + 0.2 * z) * rng.normal(size=n)
    y = rng.gamma(4, 1, n) / 2
    return 0.5 * y + 0.5 * rng.normal(size=n), y


@cache
def pool(law):
    z, y = rows_of(law, 500_000, np.random.default_rng(99))
    order = np.argsort(y)
    return z[order], y[order]


def trial(law, n, tau, rng):
    """Return a trial of the first world: predictions drawn given the outcome, from the rows with one like it."""
    z, y = pool(law)
    arm = np.arange(n) % 2
    outcome = rows_of(law, n, rng)[1] + tau * arm
    return z[np.clip(np.searchsorted(y, outcome) + rng.integers(-8, 9, n), 0, len(y) - 1)], arm


def curve(estimator, law, n_cal, n_trial, tau):
    def once(rng):
        fitted = estimator.fit(*rows_of(law, n_cal, rng))
        estimate = fitted.ate(*trial(law, n_trial, tau, rng))
        return estimate.estimate - tau, covers(estimate, tau)

    return once


@pytest.mark.slow
@pytest.mark.parametrize(("law", "tau"), [("gauss", 0.5), ("mixture", 1), ("classical", 1), ("uneven", 1)])
def test_splines_cover(law, tau):
    reps = 400
    covered = run(reps, curve(SplineDebiaser(**SURE), law, 500, 2000, tau))[:, 1].sum()
    assert not_below(covered, reps, 0.94)


@pytest.mark.slow
def test_splines_cover_where_the_line_does_not():
    reps = 200
    spline, line = (
        run(reps, curve(one, "mixture", 1000, 20_000, 1.0))[:, 1].sum()
        for one in (SplineDebiaser(**SURE), LinearDebiaser(**SURE))
    )
    assert not_below(spline, reps, 0.93)
    assert line < 0.6 * reps


@pytest.mark.slow
@pytest.mark.parametrize(
    ("law", "tau", "estimator", "bias"),
    [
        ("gauss", 0.5, LinearDebiaser(**SURE), 0.0),
        ("gauss", 0.5, SplineDebiaser(**SURE), 0.0),
        ("gauss", 0.5, TweedieDebiaser(**SURE), -0.008),
        ("gauss", 0.5, TweedieDebiaser(scale="moment", **SURE), 0.004),
        ("mixture", 1.0, LinearDebiaser(**SURE), -0.158),
        ("mixture", 1.0, TweedieDebiaser(**SURE), -0.04),
        ("mixture", 1.0, TweedieDebiaser(scale="moment", **SURE), 0.0),
        ("mixture", 1.0, SplineDebiaser(**SURE), 0.0),
        ("uneven", 1.0, TweedieDebiaser(**SURE), 0.056),
        ("uneven", 1.0, TweedieDebiaser(noise="local", **SURE), -0.01),
        ("uneven", 1.0, TweedieDebiaser(scale="moment", noise="local", **SURE), 0.0),
        ("classical", 1.0, LinearDebiaser(**SURE), 0.0),
        ("classical", 1.0, TweedieDebiaser(**SURE), -0.04),
    ],
    ids=str,
)
def test_biases_are_those_of_the_table(law, tau, estimator, bias):
    """5,000 calibration rows; what a law leaves of the bias of a smooth density or of a line is there and no more."""
    found = run(60, curve(estimator, law, 5000, 20_000, tau))[:, 0]
    assert abs(found.mean() - bias) < 4 * found.std(ddof=1) / np.sqrt(60) + 0.006


@pytest.mark.slow
def test_tweedie_covers_where_calibration_is_what_the_error_is_made_of_and_fails_on_a_large_trial():
    reps = 300
    plain, moment = TweedieDebiaser(**SURE), TweedieDebiaser(scale="moment", **SURE)
    assert not_below(run(reps, curve(plain, "mixture", 300, 2000, 1.0))[:, 1].sum(), reps, 0.92)
    assert not_below(run(reps, curve(moment, "gauss", 300, 2000, 0.5))[:, 1].sum(), reps, 0.94)
    assert not_below(run(reps, curve(moment, "mixture", 1000, 20_000, 1.0))[:, 1].sum(), reps, 0.94)
    assert not not_below(run(reps, curve(plain, "mixture", 1000, 20_000, 1.0))[:, 1].sum(), reps, 0.9)


@pytest.mark.slow
def test_the_bootstrap_covers():
    reps = 250

    def once(rng):
        y = rng.normal(size=100)
        fitted = LinearDebiaser(n_resamples=199, random_state=int(rng.integers(1 << 30)), **SURE)
        fitted.fit(shrunk(y, 0.5, rng), y)
        arm = np.arange(200) % 2
        z = shrunk(rng.normal(size=200) + arm, 0.5, rng)
        return covers(fitted.ate(z, arm, method="bootstrap"), 1, 0.9)

    assert not_below(run(reps, once).sum(), reps, 0.88)


@pytest.mark.slow
@pytest.mark.parametrize(("both", "level"), [(False, 0.92), (True, 0.95)])
def test_one_large_calibration_cluster_among_small_ones(both, level):
    """Nineteen of 3 rows and one of 60: 18 degrees of freedom gave .87, and .77 where the trial is so as well.

    The error itself is still too short, since the line follows the large cluster: .92 is what is left.
    """
    sizes = np.r_[np.full(19, 3), 60]
    g = np.repeat(np.arange(20), sizes)
    h = g if both else np.repeat(np.arange(100), 5)

    def once(rng):
        shock, other, fog, cloud = rng.normal(size=(4, 100))
        y = shock[g] + rng.normal(size=len(g))
        z = y + 0.7 * rng.normal(size=len(g)) + 0.5 * fog[g]
        new = other[h] + 0.5 * cloud[h] + np.sqrt(1.49) * rng.normal(size=len(h))
        return covers(LinearDebiaser(**SURE).fit(z, y, groups=g).mean(new, groups=h), 0.0)

    assert not_below(run(1000, once).sum(), 1000, level)
