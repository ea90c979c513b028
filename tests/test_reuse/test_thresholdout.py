"""Thresholdout: privacy by integration, tolerance by draws, and what its state remembers."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from uq.reuse import GuessAndCheck, Thresholdout, _power
from uq.reuse._power import randomized_response_power
from uq.reuse._thresholdout import _tolerance
from uq.reuse._transfer import posterior_sensitivity

NODES, WEIGHTS = np.polynomial.legendre.leggauss(120)


def segment_log_ratio(distances, moved, scale):
    """Return ln of the ratio of P(all agree but the last, which does not) for two data sets."""

    def probability(d):
        total = 0.0
        # the densities have corners at 0 and where a distance lies
        corners = np.unique(np.r_[-90.0, 0.0, d, 90.0])
        for low, high in itertools.pairwise(corners):
            noise = low + (high - low) / 2 * (1 + NODES)
            agree = stats.laplace.sf(np.subtract.outer(d[:-1], noise), scale=4 * scale).prod(axis=0)
            passed = stats.laplace.cdf(d[-1] - noise, scale=4 * scale)
            total += (high - low) / 2 * WEIGHTS @ (stats.laplace.pdf(noise, scale=2 * scale) * agree * passed)
        return total

    return math.log(probability(distances) / probability(moved))


@pytest.mark.parametrize("m", [1, 2, 6])
def test_one_failure_costs_what_the_account_says(m):
    """Distances from guess to mean move by at most 1 (in units of 1 / n): threshold and comparison lose 1 / scale."""
    rng, worst = np.random.default_rng(m), 0.0
    for _ in range(6):
        d = rng.normal(0, 3, m)
        for moved in (d + np.r_[np.ones(m - 1), -1.0], d - np.r_[np.ones(m - 1), -1.0], d + rng.uniform(-1, 1, m)):
            worst = max(worst, abs(segment_log_ratio(d, moved, 1.0)))
    assert worst <= 1 + 1e-8
    assert m == 1 or worst > 0.3


@pytest.mark.parametrize(
    ("n", "m", "b", "known"),
    [(10**4, 10**4, 1, 0.1064), (10**4, 10**4, 10, 0.2746), (10**5, 10**4, 1, 0.0336), (10**5, 10**4, 100, 0.1597)],
)
def test_known_tolerances(n, m, b, known):
    assert Thresholdout(m, b, 0.0).certificate(n) == pytest.approx(known, abs=1.5e-4)
    assert GuessAndCheck(m, b).certificate(n) < known


@pytest.mark.parametrize(("threshold", "b", "m", "alpha"), [(0.0, 1, 1, 0.5), (0.0, 3, 20, 0.05), (0.1, 10, 5, 0.2)])
def test_noise_part_by_draws(threshold, b, m, alpha):
    """The mean of the worst part of the largest possible error, in the analyst's best case."""
    scale, n = 0.004, 10**5
    rng = np.random.default_rng(0)
    size = 100_000
    agreed = threshold + rng.laplace(0, 2 * scale, (size, b)).max(1) + rng.laplace(0, 4 * scale, (size, m)).max(1)
    noisy = np.abs(rng.laplace(0, scale, (size, b))).max(1)
    worst = np.sort(np.maximum(agreed, noisy))[::-1][: int(alpha * size)].mean()
    one = 1 / (n * scale)
    transfer = min(math.tanh(b * one / 2), posterior_sensitivity(*randomized_response_power(one, 2 * b), alpha))
    claimed = _tolerance(m, b, threshold, scale, alpha, n) - transfer
    assert claimed >= worst * 0.995
    assert claimed < 1.8 * worst + threshold


def test_best_scale_by_a_grid():
    m, b, n = 1000, 5, 20_000
    best = min(_tolerance(m, b, 0.02, scale, 0.05, n) for scale in np.geomspace(1e-5, 1e-1, 1500))
    assert Thresholdout(m, b, 0.02).certificate(n) <= best * (1 + 1e-4)


def test_threshold_noise_persists_until_it_is_crossed():
    mechanism, rng = Thresholdout(50, 2, 0.3, 0.001), np.random.default_rng(0)
    state = mechanism.start(1000)
    assert state["noisy_threshold"] is None
    seen = []
    for mean in (0.5, 0.5, 0.5, 0.95, 0.5, 0.5):
        state = mechanism.answer(mechanism.spend(state), 0.5, mean, (0, 1), rng).state
        seen.append(state["noisy_threshold"])
    assert seen[0] == seen[1] == seen[2]
    assert seen[3] is None
    assert seen[4] == seen[5] != seen[0]
    assert abs(seen[0] - 0.3) < 0.05
    assert state["failures"] == 1


def test_agreeing_guesses_come_back_exactly():
    mechanism, rng = Thresholdout(50, 2, 0.3, 0.001), np.random.default_rng(1)
    reply = mechanism.answer(mechanism.spend(mechanism.start(1000)), 0.123456789, 0.2, (0, 1), rng)
    assert (reply.value, reply.source) == (0.123456789, "guess")
    reply = mechanism.answer(mechanism.spend(mechanism.start(1000)), 0.1, 0.9, (0, 1), rng)
    assert reply.source == "holdout"
    assert abs(reply.value - 0.9) < 0.02


def test_science_preset():
    mechanism, rng, n = Thresholdout(10**6, preset="science2015"), np.random.default_rng(0), 10_000
    state, kept, values = mechanism.start(n), 0, []
    for _ in range(3000):
        reply = mechanism.answer(mechanism.spend(state), 0.5, 0.54, (0, 1), rng)
        state = reply.state
        kept += reply.source == "guess"
        if reply.source == "holdout":
            values.append(reply.value)
    # at the threshold, half of the comparisons pass
    assert abs(kept / 3000 - 0.5) < 0.05
    assert stats.kstest(values, stats.norm(0.54, 0.01).cdf).pvalue > 1e-4
    assert mechanism.left(state) == (10**6 - 3000, None)
    assert mechanism.certificate(n) == 1


@pytest.mark.parametrize(("epsilon", "times"), [(0.01, 2000), (0.5, 100), (3.0, 5), (0.001, 40_000), (700.0, 1)])
def test_the_bound_for_many_responses_is_one(monkeypatch, epsilon, times):
    exact, _ = randomized_response_power(epsilon, times)
    monkeypatch.setattr(_power, "MOST_RESPONSES", 0)
    bound, peak = randomized_response_power(epsilon, times)
    for m in (*np.geomspace(1e-12, 1, 100), peak):
        assert bound(m) >= exact(m) - 1e-13


def test_many_failures_have_a_tolerance():
    tolerance = Thresholdout(10**6, 20_001, 0.0).certificate(10**7)
    assert Thresholdout(10**6, 20_000, 0.0).certificate(10**7) < tolerance < 1
