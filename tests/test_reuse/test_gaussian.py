"""The Gaussian mechanism, splitting and naive reuse: their numbers, their noise, their rows."""

import math

import numpy as np
import pytest
from scipy import stats

from uq.reuse import GaussianMechanism, NaiveReuse, SampleSplitting, transfer_bound
from uq.reuse._mechanism import GRID
from uq.reuse._noise import gaussian_cvar
from uq.reuse._published import rogers_tolerance


@pytest.mark.parametrize(("n", "k", "known"), [(1000, 1000, 0.6429), (10**4, 10**4, 0.3724), (1000, 100, 0.3278)])
def test_known_tolerances(n, k, known):
    assert GaussianMechanism(k).certificate(n) == pytest.approx(known, abs=6e-5)


def test_its_tolerance_is_the_public_bound_at_the_best_scale():
    n, k = 3000, 40

    def tolerance(scale, level=0.9):
        noise = scale * gaussian_cvar(k, 1 - level)
        return transfer_bound(noise, mu=math.sqrt(k) / (n * scale), confidence_level=level)

    grid = np.geomspace(1e-3, 0.5, 2000)
    best = min(map(tolerance, grid.tolist()))
    mechanism = GaussianMechanism(k, confidence_level=0.9)
    assert best * (1 - 1e-4) <= mechanism.certificate(n) <= best * (1 + 1e-5)
    fixed = GaussianMechanism(k, scale=0.05, confidence_level=0.9)
    assert fixed.certificate(n) == pytest.approx(tolerance(0.05), rel=1e-5)
    assert fixed.certificate(n) > tolerance(0.05), "the grid costs something"


@pytest.mark.parametrize("scale", [1e-300, 1e-12, 1e300])
@pytest.mark.parametrize("bound", ["transfer", "rogers"])
def test_absurd_scales_promise_nothing(scale, bound):
    mechanism = GaussianMechanism(10, scale=scale, bound=bound)
    assert mechanism.certificate(100) == 1
    reply = mechanism.answer(mechanism.start(100), None, 0.3, (0, 1), np.random.default_rng(0))
    assert 0 <= reply.value <= 1


def test_noise_has_its_law_and_no_trace_of_the_mean():
    mechanism = GaussianMechanism(10, scale=0.05)
    state, rng = mechanism.start(1000), np.random.default_rng(0)
    values = np.array([mechanism.answer(state, None, 0.4, (0, 1), rng).value for _ in range(4000)])
    assert stats.kstest(values, stats.norm(0.4, 0.05).cdf).pvalue > 1e-4
    step = 0.05 * 2.0**-20
    assert np.allclose(values / step, np.round(values / step), atol=1e-6)
    ends = [mechanism.answer(state, None, mean, (0, 1), rng).value for mean in (0.0, 1.0) for _ in range(20)]
    assert min(ends) == 0
    assert max(ends) <= 1


def test_splitting_gives_every_query_rows_of_its_own():
    mechanism = SampleSplitting(7)
    state, seen = mechanism.start(100), np.zeros(100)
    for _ in range(7):
        state = mechanism.spend(state)
        seen[mechanism.rows(state)] += 1
        state = mechanism.answer(state, None, 0.5, (0, 1)).state
    assert seen.tolist() == [1] * 98 + [0] * 2


@pytest.mark.parametrize("p", [0.01, 0.2, 0.5])
def test_splitting_misses_no_more_often_than_it_may(p):
    """Exactly, by the binomial law of one answer: at alpha / k each."""
    k, level, each = 5, 0.6, 40
    counts = np.arange(each + 1)
    for method in ("kl", "hoeffding"):
        mechanism = SampleSplitting(k, method=method, confidence_level=level)
        state = mechanism.start(k * each)
        replies = [mechanism.answer(mechanism.spend(state), None, c / each, (0, 1)) for c in counts]
        missed = [abs(reply.value - p) > reply.tolerance for reply in replies]
        assert stats.binom.pmf(counts, each, p)[missed].sum() <= (1 - level) / k
        tolerances = [reply.tolerance for reply in replies]
        assert max(tolerances) <= mechanism.certificate(k * each) + 1e-12
        assert (tolerances[0] < 0.7 * tolerances[each // 2]) == (method == "kl")


def test_the_naive_answer_is_the_mean():
    mechanism = NaiveReuse(100)
    reply = mechanism.answer(mechanism.start(1000), None, 0.123, (0, 1))
    assert reply.value == pytest.approx(0.123, abs=1e-15)
    assert reply.tolerance == pytest.approx(math.sqrt(math.log(4000) / 2000))


def test_half_of_the_grid_is_in_the_published_tolerance():
    for scale in (0.01, 0.1):
        mechanism = GaussianMechanism(5, scale=scale, bound="rogers")
        assert mechanism.certificate(10**6) == rogers_tolerance(10**6, 5, 1 - 0.95, scale) + scale * GRID / 2
