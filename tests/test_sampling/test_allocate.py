"""Allocation of a budget: every allocation by enumeration, bounds that hold, budgets of any size."""

import itertools

import numpy as np
import pytest

from uq.exceptions import InputError
from uq.sampling import allocate_samples


def best_by_enumeration(rates, budget, cost):
    """The largest mean number of problems solved over all allocations that fit."""
    ranges = [range(int(budget / c + 1e-9) + 1) for c in cost]
    fits = (k for k in itertools.product(*ranges) if np.dot(k, cost) <= budget + 1e-9)
    return max(sum(1 - (1 - r) ** k for r, k in zip(rates, ks, strict=True)) for ks in fits)


def random_case(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 4))
    rates = np.where(rng.random(n) < 0.15, rng.integers(0, 2, n), rng.random(n))
    return rates, int(rng.integers(0, 10)), rng


@pytest.mark.parametrize("seed", range(40))
def test_equal_costs_are_solved_exactly_by_greed(seed):
    rates, budget, rng = random_case(seed)
    cost = float(rng.choice([1.0, 0.1, 0.3]))
    result = allocate_samples(rates, budget * cost, cost, method="greedy")
    assert result.expected_solved == pytest.approx(best_by_enumeration(rates, budget, np.ones(len(rates))), abs=1e-12)
    assert result.guarantee == "exact"
    assert result.spent <= budget * cost * (1 + 1e-9)
    assert result.bound == result.expected_solved


@pytest.mark.parametrize("seed", range(40))
def test_whole_costs_are_solved_exactly_by_the_dynamic_program(seed):
    rates, budget, rng = random_case(100 + seed)
    cost = rng.integers(1, 4, len(rates)).astype(float)
    result = allocate_samples(rates, budget, cost)
    assert result.expected_solved == pytest.approx(best_by_enumeration(rates, budget, cost), abs=1e-12)
    assert result.guarantee == "exact"
    assert result.spent <= budget


@pytest.mark.parametrize("seed", range(60))
def test_greed_says_how_far_off_it_can_be(seed):
    rates, budget, rng = random_case(200 + seed)
    cost = rng.random(len(rates)) * 3 + 0.5
    result = allocate_samples(rates, budget, cost)
    optimum = best_by_enumeration(rates, budget, cost)
    assert result.spent <= budget + 1e-9
    assert result.expected_solved <= optimum + 1e-12
    assert optimum <= result.bound + 1e-12
    if result.guarantee == "exact":
        assert result.expected_solved == pytest.approx(optimum, abs=1e-12)


def test_greed_alone_is_not_optimal_for_unequal_costs():
    rates, cost, budget = [0.5, 0.6], [1.0, 2.0], 2
    greedy = allocate_samples(rates, budget, cost, method="greedy")
    exact = allocate_samples(rates, budget, cost, method="exact")
    assert greedy.expected_solved <= exact.expected_solved
    worse = sum(
        allocate_samples(r, b, c, method="greedy").expected_solved < best_by_enumeration(r, b, c) - 1e-12
        for r, b, c in (
            (rng.random(3), 6, rng.integers(1, 5, 3).astype(float)) for rng in map(np.random.default_rng, range(100))
        )
    )
    assert worse > 5


def one_by_one(rates, budget):
    """Give each sample to the largest gain, ties to the first."""
    n = np.zeros(len(rates), int)
    for _ in range(budget):
        gains = rates * (1 - rates) ** n
        if gains.max() > 0:
            n[gains.argmax()] += 1
    return n


def test_larger_budgets_agree_with_samples_given_one_by_one():
    rng = np.random.default_rng(0)
    for budget in (1, 17, 300):
        rates = rng.beta(0.5, 1, 40)
        result = allocate_samples(rates, budget)
        assert np.array_equal(result.n_samples, one_by_one(rates, budget))
        assert result.n_samples.sum() == budget


def test_ties_go_to_the_first_and_hopeless_problems_get_nothing():
    assert allocate_samples([0.5, 0.5, 0, 1], 3).n_samples.tolist() == [1, 1, 0, 1]
    assert allocate_samples([0, 1], 10).n_samples.tolist() == [0, 1]
    assert allocate_samples([0, 0.0], 10).expected_solved == 0
    assert allocate_samples([0.5], 0).n_samples.tolist() == [0]
    assert allocate_samples([0.9], 0.3, 0.1).n_samples.tolist() == [3]


@pytest.mark.parametrize("budget", [1e6, 1e12])
def test_budgets_that_no_loop_could_spend(budget):
    rates = np.r_[np.random.default_rng(0).random(1000), 1e-12, 1.0]
    result = allocate_samples(rates, budget)
    assert result.spent == pytest.approx(budget, rel=1e-9)
    assert result.spent <= budget
    uneven = allocate_samples(rates, budget, np.linspace(1, 2, len(rates)))
    assert uneven.spent <= budget * (1 + 1e-12)
    assert uneven.bound - uneven.expected_solved < 1e-6


def test_the_result_prints_and_plots(axes):
    result = allocate_samples([0.5, 0.1], 4, [1.5, 1.0])
    assert "at most" in str(result) or result.guarantee == "exact"
    assert result.plot(axes) is axes


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        (([1.5], 3), {}),
        (([], 3), {}),
        (([0.5], -1), {}),
        (([0.5], np.inf), {}),
        (([0.5], 3, 0), {}),
        (([0.5], 3, [1, 2]), {}),
        (([0.5], 1e13), {}),
        (([0.5, 0.1], 3, [0.5, 1]), {"method": "exact"}),
        (([0.5, 0.1], 1e6, [1, 2]), {"method": "exact"}),
        (([0.5], 3), {"method": "best"}),
    ],
    ids=str,
)
def test_bad_input_is_refused(arguments, options):
    with pytest.raises(InputError, match="allocate_samples: "):
        allocate_samples(*arguments, **options)


@pytest.mark.parametrize(
    ("rates", "budget", "cost", "expected"),
    [
        ([1e-25], 1e9, 1.0, [10**9]),
        ([1e-25] * 3, 9, 1.0, [3, 3, 3]),
        ([1e-310, 1.0], 1e6, 1.0, [10**6 - 1, 1]),
        ([0.5, 1e-9, 1e-9], 1.9e11, [1e11, 1.0, 1.0], [1, 45 * 10**9, 45 * 10**9]),
        ([0.5, 0.5], 10, [1.0, 1e150], [10, 0]),
    ],
)
def test_rates_too_small_to_tell_samples_apart_share_in_one_step(rates, budget, cost, expected):
    assert allocate_samples(rates, budget, cost).n_samples.tolist() == expected


def test_ties_of_many_problems_are_shared_at_once():
    result = allocate_samples(np.full(200_000, 0.5), 300_000)
    assert np.bincount(result.n_samples).tolist() == [0, 100_000, 100_000]
    assert result.guarantee == "exact"
