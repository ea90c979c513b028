"""Coverage of the intervals of a mean and of a paired difference: exact enumeration for 0/1, simulation elsewhere.

A simulated coverage is judged by an exact binomial band: `covered` of `reps` may fall below the promised level only as
far as a binomial count does with probability 1e-4.
"""

import warnings

import numpy as np
import pytest
from scipy import stats

from uq import estimate_difference, estimate_mean
from uq.exceptions import SmallSampleWarning

PROPORTIONS = np.array([0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98])


def exact_coverage(n, method, level=0.95):
    """Coverage at each proportion by summing the binomial law over all counts."""
    counts = np.arange(n + 1)
    ends = np.empty((n + 1, 2))
    for k in counts:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SmallSampleWarning)
            law = estimate_mean(np.repeat([1, 0], [k, n - k]), method=method).law
        # quiet, and finite also for "t" at 0 and n, where the interval of width 0 of the textbooks is meant
        ends[k] = law.interval(level, "two-sided")
    p = PROPORTIONS[:, None]
    inside = (ends[:, 0] <= p) & (p <= ends[:, 1])
    return (stats.binom.pmf(counts, n, p) * inside).sum(axis=1)


def not_below(covered, reps, level):
    return stats.binom.cdf(covered, reps, level) > 1e-4


@pytest.mark.parametrize("n", [10, 20, 50])
@pytest.mark.parametrize("level", [0.8, 0.95])
def test_auto_on_binary_scores_is_never_below_nominal(n, level):
    assert exact_coverage(n, "auto", level).min() >= level


@pytest.mark.parametrize(("n", "wilson", "beta"), [(10, 0.9139, 0.8171), (20, 0.9245, 0.9245), (50, 0.9216, 0.9216)])
def test_what_wilson_and_the_uniform_prior_lose_is_known(n, wilson, beta):
    """Neither promises the level at small n; these are their worst coverages over the proportions above."""
    assert exact_coverage(n, "wilson").min() == pytest.approx(wilson, abs=5e-5)
    assert exact_coverage(n, "beta").min() == pytest.approx(beta, abs=5e-5)


def simulate(draw, truth, reps, level=0.95, **arguments):
    """Count how often the interval covers."""
    rng = np.random.default_rng(12345)
    covered = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SmallSampleWarning)
        for _ in range(reps):
            data = draw(rng)
            scores, groups = data if isinstance(data, tuple) else (data, None)
            lower, upper = estimate_mean(scores, groups, **arguments).law.interval(level, "two-sided")
            covered += lower <= truth <= upper
    return covered


BOUNDED = {
    "uniform": (lambda rng, n: rng.random(n), 0.5),
    "skewed": (lambda rng, n: rng.beta(0.2, 2, n), 0.2 / 2.2),
    "two points": (lambda rng, n: np.where(rng.random(n) < 0.05, 1.0, 0.2), 0.24),
    "0/1": (lambda rng, n: (rng.random(n) < 0.9).astype(float), 0.9),
    "tied": (lambda rng, n: rng.choice([0.0, 0.25, 0.5, 1.0], n, p=[0.6, 0.2, 0.15, 0.05]), 0.175),
}


@pytest.mark.parametrize("law", BOUNDED)
@pytest.mark.parametrize("n", [10, 20, 50])
@pytest.mark.slow
def test_auto_with_declared_bounds_is_never_below_nominal(law, n):
    draw, truth = BOUNDED[law]
    covered = simulate(lambda rng: draw(rng, n), truth, 400, bounds=(0, 1))
    assert not_below(covered, 400, 0.95)


@pytest.mark.parametrize("n_groups", [8, 30])
def test_betting_on_clusters_is_never_below_nominal(n_groups):
    groups = np.repeat(np.arange(n_groups), np.resize([1, 2, 5], n_groups))

    def draw(rng):
        return np.clip(rng.beta(0.5, 0.5, n_groups)[groups] + 0.0, 0, 1), groups

    assert not_below(simulate(draw, 0.5, 400, bounds=(0, 1)), 400, 0.95)


def test_cluster_t_covers_with_thirty_clusters_and_rows_do_not():
    groups = np.repeat(np.arange(30), 5)

    def draw(rng):
        return rng.normal(size=30)[groups] + 0.5 * rng.normal(size=150), groups

    reps = 1000
    covered = simulate(draw, 0.0, reps)
    assert not_below(covered, reps, 0.95)
    assert covered < stats.binom.isf(1e-4, reps, 0.95) + 1
    as_rows = simulate(lambda rng: draw(rng)[0], 0.0, reps, method="t")
    assert as_rows < 0.75 * reps  # the failure that clusters are there to prevent


@pytest.mark.parametrize("method", ["t", "bootstrap"])
def test_asymptotic_methods_lose_on_skewed_scores_at_small_n(method):
    """They do not promise finite-sample coverage; the loss is real, and what the warning below 30 rows is about."""
    reps = 400
    covered = simulate(
        lambda rng: rng.lognormal(0, 1.5, 10), np.exp(1.5**2 / 2), reps, method=method, n_resamples=399, rng=1
    )
    assert 0.6 * reps < covered < 0.9 * reps


def test_t_is_exact_for_normal_scores_at_any_n():
    reps = 2000
    covered = simulate(lambda rng: rng.normal(3, 2, 5), 3.0, reps)
    assert stats.binom.ppf(1e-4, reps, 0.95) <= covered <= stats.binom.isf(1e-4, reps, 0.95)


def test_bootstrap_covers_when_n_is_moderate():
    reps = 400
    covered = simulate(lambda rng: rng.gamma(4.0, size=100), 4.0, reps, method="bootstrap", n_resamples=499, rng=2)
    assert not_below(covered, reps, 0.94)


@pytest.mark.slow
def test_hierarchical_covers_on_average_over_its_prior():
    """Simulation-based calibration: ranks of the truth under its posterior are uniform."""
    rng = np.random.default_rng(3)
    tails = []
    for _ in range(300):
        theta, d = rng.random(), rng.exponential()
        n_trials = rng.integers(2, 12, size=6)
        p = np.clip(rng.beta(max(d * theta, 1e-6), max(d * (1 - theta), 1e-6), size=6), 0, 1)
        n_correct = rng.binomial(n_trials, p)
        groups = np.repeat(np.arange(6), n_trials)
        scores = np.concatenate([np.repeat([1, 0], [k, m - k]) for k, m in zip(n_correct, n_trials, strict=True)])
        tails.append(estimate_mean(scores, groups, method="hierarchical").law.p_greater(theta))
    assert stats.kstest(tails, "uniform").pvalue > 1e-3


def difference_coverage(n, method, level=0.95, step=0.1):
    """Exact coverage over a lattice of (P(A alone), P(B alone)) by summing the trinomial law over all tables."""
    only_a, only_b = np.array([(t, u) for t in range(n + 1) for u in range(n + 1 - t)]).T
    ends = np.empty((len(only_a), 2))
    for i, (t, u) in enumerate(zip(only_a, only_b, strict=True)):
        if t >= u:  # the law of B - A is the mirror of that of A - B
            a, b = np.repeat([1, 0, 0], [t, u, n - t - u]), np.repeat([0, 1, 0], [t, u, n - t - u])
            lower, upper = estimate_difference(a, b, method=method).law.interval(level, "two-sided")
            ends[i] = lower, upper
            ends[(only_a == u) & (only_b == t)] = -upper, -lower
    lattice = np.concatenate([[0.005, 0.02, 0.05], np.arange(0.1, 0.96, step)])
    worst = 1.0
    for p in lattice:
        for q in lattice[lattice <= min(p, 1 - p + 1e-9)]:
            pmf = stats.multinomial.pmf(
                np.stack([only_a, only_b, n - only_a - only_b], axis=1), n, [p, q, max(1 - p - q, 0.0)]
            )
            # the boundary delta = p - q is a sum of rounded numbers
            inside = (ends[:, 0] <= p - q + 1e-9) & (p - q - 1e-9 <= ends[:, 1])
            worst = min(worst, pmf[inside].sum())
    return worst


@pytest.mark.parametrize("n", [4, 10, 20])
@pytest.mark.slow
def test_auto_on_paired_binary_scores_is_never_below_nominal(n):
    assert difference_coverage(n, "auto") >= 0.95


@pytest.mark.slow
def test_auto_on_paired_binary_scores_is_never_below_nominal_at_fifty():
    assert difference_coverage(50, "auto") >= 0.95
