"""The stopping rule against a dynamic program over failures, and its course against sums term by term."""

import numpy as np
import pytest
from scipy.special import betaln

from uq.exceptions import InputError
from uq.sampling import stopping_rule


def by_backward_induction(a, b, value, cost, most=3000):
    """The best expected value and the smallest number of attempts that reaches it."""
    ahead, attempts = 0.0, 0
    for j in range(most - 1, -1, -1):
        p = a / (a + b + j)
        go = p * value + (1 - p) * ahead - cost
        ahead, attempts = (go, attempts + 1) if go > 0 else (0.0, 0)
    return ahead, attempts


@pytest.mark.parametrize("seed", range(60))
def test_as_many_attempts_as_the_dynamic_program_makes(seed):
    rng = np.random.default_rng(seed)
    a, b = rng.gamma(1, 2, 2)
    value, cost = rng.random() * 3, rng.random() * 0.2 + 0.01
    rule = stopping_rule(a, b, value, cost)
    expected, attempts = by_backward_induction(a, b, value, cost)
    assert rule.max_attempts == attempts
    assert rule.expected_value == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("a", [1e-12, 1e-6, 0.3, 1 - 1e-9, 1 - 1e-13, 1.0, 1 + 1e-9, 1.5, 40.0, 1e6])
@pytest.mark.parametrize("b", [1e-12, 1e-3, 1.0, 7.0, 1e6])
def test_the_course_is_the_sum_of_its_terms(a, b):
    value, cost = 1.0, 1 / 50
    rule = stopping_rule([a, a * 0 + a], b, [value * (a + b + 30.5) / a * cost, 0], cost)
    assert rule.max_attempts.tolist() == [31, 0]
    left = np.cumprod(np.r_[1.0, 1 - a / (a + b + np.arange(31))])
    success = 1 - left[31] if left[31] < 0.5 else -np.expm1(np.log1p(-a / (a + b + np.arange(31))).sum())
    assert rule.success_probability[0] == pytest.approx(success, rel=1e-9)
    assert rule.expected_attempts[0] == pytest.approx(left[:31].sum(), rel=1e-9)
    assert (rule.success_probability[1], rule.expected_attempts[1], rule.expected_value[1]) == (0, 0, 0)


def test_many_attempts_have_the_beta_function():
    rule = stopping_rule(0.5, 2, 1, 1e-7)
    k = rule.max_attempts
    assert k == np.ceil(0.5e7 - 2.5)
    assert 1 - rule.success_probability == pytest.approx(np.exp(betaln(0.5, 2 + k) - betaln(0.5, 2)), rel=1e-9)


def test_monte_carlo_agrees():
    rng = np.random.default_rng(0)
    rule = stopping_rule(0.7, 2, 1, 0.04)
    p = rng.beta(0.7, 2, 200_000)
    first = rng.geometric(np.maximum(p, 1e-12))
    made = np.minimum(first, rule.max_attempts)
    gain = (first <= rule.max_attempts) - 0.04 * made
    assert gain.mean() == pytest.approx(rule.expected_value, abs=4 * gain.std() / np.sqrt(len(p)))


def test_free_attempts_and_ties():
    free = stopping_rule([0.5, 3], 1, 1, 0)
    assert free.max_attempts.tolist() == [np.inf, np.inf]
    assert free.success_probability.tolist() == [1, 1]
    assert free.expected_attempts.tolist() == [np.inf, 1.5]
    assert free.expected_value.tolist() == [1, 1]
    assert stopping_rule(1e-12, 1, 1e-320, 0).max_attempts == np.inf  # their product is not a float
    assert stopping_rule(1, 1, 0, 0).max_attempts == 0
    assert stopping_rule(1, 1, 1, 0.5).max_attempts == 0  # an attempt that is worth its price exactly is not made
    assert stopping_rule(1, 1, 1, 0.49).max_attempts == 1


def test_forecasts_of_each_question_and_pictures(axes):
    q = np.array([0.1, 0.5, 0.9])
    rule = stopping_rule(4 * q, 4 * (1 - q), 1, 0.05)
    assert (np.diff(rule.max_attempts) > 0).all()
    assert len(rule.to_frame()) == 3
    assert rule.plot(axes) is axes
    assert "3 questions" in repr(rule)
    assert isinstance(stopping_rule(1, 1, 1, 0.1).max_attempts, float)


@pytest.mark.parametrize(
    "arguments",
    [
        (0, 1, 1, 1),
        (1, 1e12, 1, 1),
        (1, 1, -1, 1),
        (1, 1, 1, -1),
        (1, 1, 1, 1e-50),
        ([1, 2], [1, 2, 3], 1, 1),
        ("1", 1, 1, 1),
        (1, np.nan, 1, 1),
        ([], 1, 1, 1),
        ([[1.0], [1.0, 2.0]], 1, 1, 1),
        (1, 1, None, 1),
    ],
    ids=str,
)
def test_bad_input_is_refused(arguments):
    with pytest.raises(InputError, match="stopping_rule: "):
        stopping_rule(*arguments)
