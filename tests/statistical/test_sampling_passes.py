"""Coverage of the intervals of pass@k, pass^k and the majority at few problems, clusters included, by simulation.

Laws of success rates: most problems never solved, most always, both ends, an even spread. A simulated coverage is
judged by an exact binomial band.
"""

import warnings

import numpy as np
import pytest
from scipy import integrate, stats
from scipy.special import betaln

from uq.exceptions import SmallSampleWarning, UntestedAssumptionWarning
from uq.sampling import majority_at_k, pass_all_k, pass_at_k

LAWS = {"hard": (0.1, 2.0), "easy": (3.0, 0.2), "ends": (0.15, 0.15), "spread": (1.0, 1.0)}
LEVEL = 0.95
TRIALS = 20


def truth(a, b, k):
    return -np.expm1(betaln(a, b + k) - betaln(a, b))


def coverage(draw, value, reps, estimate):
    """Return how many of `reps` intervals hold the value; `draw` makes the arguments of `estimate`."""
    rng = np.random.default_rng(7)
    covered = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SmallSampleWarning)
        for _ in range(reps):
            lower, upper = estimate(**draw(rng)).law.interval(LEVEL, "two-sided")
            covered += lower <= value <= upper
    return covered


def not_below(covered, reps, level=LEVEL):
    return stats.binom.cdf(covered, reps, level) > 1e-4


def problems(law, n):
    a, b = LAWS[law]

    def draw(rng):
        return {"n_correct": rng.binomial(TRIALS, rng.beta(a, b, n)), "n_trials": TRIALS}

    return draw


@pytest.mark.parametrize("n", [5, 10, 20, 50])
@pytest.mark.parametrize("law", LAWS)
@pytest.mark.slow
def test_the_default_is_never_below_nominal(law, n):
    value = truth(*LAWS[law], 5)
    assert not_below(coverage(problems(law, n), value, 300, lambda **x: pass_at_k(**x, k=5)), 300)


def test_pass_all_k_is_pass_at_k_of_failures():
    a, b = LAWS["spread"]
    value = np.exp(betaln(a + 5, b) - betaln(a, b))
    assert not_below(coverage(problems("spread", 10), value, 300, lambda **x: pass_all_k(**x, k=5)), 300)


# coverage in percent of nominal 95 %: (t, bootstrap) at 10, 20 and 50 problems
TABLE = {
    "hard": [(91.0, 97.0), (91.8, 95.6), (94.0, 95.2)],
    "easy": [(62.8, 91.6), (53.8, 94.8), (52.4, 92.4)],
    "ends": [(91.8, 97.6), (94.4, 95.0), (95.8, 95.6)],
    "spread": [(87.6, 91.6), (90.6, 91.6), (91.8, 93.2)],
}


@pytest.mark.slow
@pytest.mark.parametrize("law", LAWS)
def test_what_asymptotic_intervals_lose_is_known(law):
    value = truth(*LAWS[law], 5)
    for n, losses in zip((10, 20, 50), TABLE[law], strict=True):
        for method, percent in zip(("t", "bootstrap"), losses, strict=True):
            covered = coverage(
                problems(law, n),
                value,
                500,
                lambda m=method, **x: pass_at_k(**x, k=5, method=m, n_resamples=399, rng=1),
            )
            assert covered / 5 == pytest.approx(percent, abs=1.5), (n, method)


# ---- clusters


def clustered(n_groups):
    sizes = np.resize([1, 3, 8], n_groups)
    groups = np.repeat(np.arange(n_groups), sizes)

    def draw(rng):
        center = rng.beta(0.3, 1.0, n_groups)[groups]
        rates = rng.beta(4 * center + 1e-9, 4 * (1 - center) + 1e-9)
        return {
            "n_correct": rng.binomial(TRIALS, rates),
            "n_trials": TRIALS,
            "groups": rng.permutation(n_groups)[groups],
        }

    return draw


def clustered_truth(k):
    failure = integrate.quad(
        lambda m: np.exp(betaln(4 * m + 1e-9, 4 * (1 - m) + 1e-9 + k) - betaln(4 * m + 1e-9, 4 * (1 - m) + 1e-9)),
        0, 1, weight="alg", wvar=(0.3 - 1, 0.0),
    )[0] / np.exp(betaln(0.3, 1.0))  # fmt: skip
    return 1 - failure


@pytest.mark.slow
@pytest.mark.parametrize("n_groups", [6, 15, 40])
def test_clusters_are_covered_by_default(n_groups):
    covered = coverage(clustered(n_groups), clustered_truth(5), 300, lambda **x: pass_at_k(**x, k=5))
    assert not_below(covered, 300)


CLUSTERS = {
    6: (84.2, 60.6),
    15: (91.4, 60.4),
    40: (92.2, 61.2),
}  # percent of nominal 95 %: "cluster", and rows taken as independent


@pytest.mark.slow
@pytest.mark.parametrize("n_groups", CLUSTERS)
def test_what_few_clusters_cost_is_known(n_groups):
    value = clustered_truth(5)
    covered = coverage(clustered(n_groups), value, 500, lambda **x: pass_at_k(**x, k=5, method="cluster"))
    naive = coverage(clustered(n_groups), value, 500, lambda groups, **x: pass_at_k(**x, k=5, method="t"))
    assert (covered / 5, naive / 5) == pytest.approx(CLUSTERS[n_groups], abs=1.5)


# ---- these very problems


FIXED = {
    "never": np.full(8, 0.003),
    "mixed": np.array([0.0, 0.01, 0.05, 0.2, 0.5, 0.9, 0.99, 1.0]),
    "always": np.full(8, 0.98),
}


@pytest.mark.parametrize("n", [4, 12, 40])
@pytest.mark.parametrize("case", FIXED)
@pytest.mark.slow
def test_fixed_problems_are_covered_at_any_number_of_samples(case, n):
    rates, k = FIXED[case], 4
    covered = coverage(
        lambda rng: {"n_correct": rng.binomial(n, rates), "n_trials": n},
        np.mean(1 - (1 - rates) ** k),
        400,
        lambda **x: pass_at_k(**x, k=k, problems="fixed"),
    )
    assert not_below(covered, 400)


def test_fixed_problems_with_many_samples_suit_the_normal_law():
    rates = np.linspace(0.05, 0.95, 30)
    covered = coverage(
        lambda rng: {"n_correct": rng.binomial(60, rates), "n_trials": 60},
        np.mean(1 - (1 - rates) ** 4),
        1000,
        lambda **x: pass_at_k(**x, k=4, problems="fixed", method="normal"),
    )
    assert stats.binom.ppf(1e-4, 1000, 0.93) <= covered <= stats.binom.isf(1e-4, 1000, 0.97)


# ---- stopped by outcomes


def until_success(rng, rates, batch, cap):
    """Sample in batches until one holds a success."""
    n_correct, n_trials = np.zeros(len(rates), int), np.zeros(len(rates), int)
    for i, p in enumerate(rates):
        while not n_correct[i] and n_trials[i] < cap:
            n_trials[i] += batch
            n_correct[i] += rng.binomial(batch, p)
    return {"n_correct": n_correct, "n_trials": n_trials}


@pytest.mark.slow
def test_the_rule_that_was_used_covers_and_a_fixed_number_does_not():
    """The optional-stopping trap: batches of 10 until a success, at most 200 samples; pass@10 of 150 problems."""
    a, b, k = 0.3, 10.0, 10
    draw = lambda rng: until_success(rng, rng.beta(a, b, 150), 10, 200)  # noqa: E731
    value = truth(a, b, k)
    covered = coverage(draw, value, 200, lambda **x: pass_at_k(**x, k=k, sampling="batch", batch_size=10, cap=200))
    assert not_below(covered, 200)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UntestedAssumptionWarning)
        trapped = coverage(draw, value, 200, lambda **x: pass_at_k(**x, k=k))
    assert trapped < 100


# ---- the vote


@pytest.mark.parametrize("n", [8, 25])
@pytest.mark.slow
def test_the_majority_is_covered(n):
    k = 5

    def draw(rng):
        p = rng.dirichlet([0.8, 0.5, 0.3], n)
        return {"answers": np.array([rng.multinomial(12, row) for row in p]), "y": np.zeros(n, int)}

    rng = np.random.default_rng(0)
    p = rng.dirichlet([0.8, 0.5, 0.3], 200_000)
    votes = rng.multinomial(k, p)
    best = votes.max(axis=1, keepdims=True)
    value = float(((votes[:, 0] == best[:, 0]) / (votes == best).sum(axis=1)).mean())
    covered = coverage(draw, value, 300, lambda **x: majority_at_k(**x, k=k, form="counts"))
    assert not_below(covered, 300)
