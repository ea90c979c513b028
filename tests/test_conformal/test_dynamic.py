"""The greatest sum under a bound of the rank sum, against the naive program and every configuration, in integers."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_conformal.enumeration import best_by_enumeration, configurations, naive_mean_program

from conformal import RankLaw
from conformal._dynamic import best_sum

SHAPES = {
    "step": lambda n, rng: np.where(np.arange(n) < rng.integers(0, n + 1), 0, 1000),
    "cubic": lambda n, rng: (np.arange(n) - n // 2) ** 3,
    "log-normal": lambda n, rng: np.rint(2**20 * rng.lognormal(0, 2, n)),
    "ties": lambda n, rng: rng.integers(0, 4, n),
    "negative": lambda n, rng: -np.rint(2**20 * rng.exponential(size=n)),
    "constant": lambda n, rng: np.full(n, 7),
    "concave": lambda n, rng: np.rint(2**20 * np.sqrt(np.arange(n))),
    "one giant": lambda n, rng: np.append(np.zeros(n - 1), 2**40),
}


def shaped(shape, n, rng):
    return np.sort(SHAPES[shape](n, rng).astype(float))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.slow
def test_equals_the_naive_program(shape, rng):
    for n, m in [(60, 40), (59, 39), (60, 7), (7, 40), (33, 32), (2, 40), (3, 31), (1, 9), (60, 1), (60, 2)]:
        scores = shaped(shape, n, rng)
        for q in {m, m + 1, m * n, max(m, m * n - 1), m * n + 50, *rng.integers(m, m * n + 1, 4).tolist()}:
            assert best_sum(scores, m, q) == naive_mean_program(scores, m, min(q, m * n))


@given(st.integers(1, 9), st.integers(1, 13), st.data())
@settings(max_examples=300)
def test_equals_the_naive_program_on_small_cases(n, m, data):
    scores = np.sort(data.draw(st.lists(st.integers(-50, 50), min_size=n, max_size=n))).astype(float)
    q = data.draw(st.integers(m, m * (n + 1)))
    assert best_sum(scores, m, q) == naive_mean_program(scores, m, min(q, m * n))


@given(st.integers(1, 5), st.integers(1, 5), st.data())
def test_equals_enumeration(n, m, data):
    scores = np.sort(data.draw(st.lists(st.integers(-9, 9), min_size=n + 1, max_size=n + 1))).astype(float)
    q = data.draw(st.integers(m, m * (n + 1)))
    allowed = [ranks for ranks in configurations(n, m) if sum(ranks) <= q]
    assert best_sum(scores, m, q) == best_by_enumeration(scores[:-1], scores[-1], sum, allowed)


def test_does_not_change_the_scores():
    scores = np.arange(20.0) ** 2
    scores.flags.writeable = False
    best_sum(scores, 7, 90)
    np.testing.assert_array_equal(scores, np.arange(20.0) ** 2)


def test_known_mean_bounds_of_uniform_scores():
    """At even scores the greatest mean is that of the mean rank: every choice that uses up q is as good."""
    q = RankLaw(1000, 100).rank_sum_quantile(0.9)
    assert best_sum(np.arange(1.0, 1002), 100, q) == q == 53985


@pytest.mark.slow
@pytest.mark.parametrize(("n", "m", "seconds"), [(1000, 100, 0.1), (1000, 1000, 0.5)])
def test_mean_bounds_are_quick(n, m, seconds):
    """With the law of the rank sum; a quiet core needs an eighth of the first and a twentieth of the second."""
    scores = np.sort(np.random.default_rng(0).normal(size=n + 1))
    start = time.process_time()
    best_sum(scores, m, RankLaw(n, m).rank_sum_quantile(0.9))
    assert time.process_time() - start < seconds


@pytest.mark.slow
def test_is_twenty_times_the_naive_program():
    """Measured 300 times; neighbours on the machine may take some of that, never all."""
    scores = np.sort(np.random.default_rng(0).normal(size=1000))
    q = 53_985
    start = time.perf_counter()
    ours = best_sum(scores, 100, q)
    between = time.perf_counter()
    theirs = naive_mean_program(scores, 100, q)
    end = time.perf_counter()
    assert ours == pytest.approx(theirs, rel=1e-12)
    assert end - between > 20 * (between - start)
