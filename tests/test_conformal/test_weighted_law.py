"""The law of a weighted rank sum against every configuration, and its quantile at ties."""

from collections import Counter
from fractions import Fraction
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_conformal.enumeration import configurations, quantile_of, rank_sum_counts

from conformal import RankLaw
from conformal import _weighted_law as weighted
from conformal._weighted_law import weighted_cost, weighted_law, weighted_quantile

weightings = st.lists(st.integers(-4, 12), min_size=1, max_size=7).map(np.sort)


def sums(weights, m):
    return [sum(int(weights[r - 1]) for r in ranks) for ranks in configurations(len(weights) - 1, m)]


@given(weightings, st.integers(1, 5))
def test_law_counts_configurations(weights, m):
    values = sums(weights, m)
    counts, least = Counter(values), m * int(weights[0])
    law = weighted_law(weights, m)
    assert len(law) == m * int(weights[-1]) - least + 1
    np.testing.assert_allclose(law, [counts[least + j] / len(values) for j in range(len(law))], rtol=1e-14)


@given(weightings, st.integers(1, 5), st.data())
def test_quantile_at_any_level_and_at_ties(weights, m, data):
    values = sorted(sums(weights, m))
    tie = Fraction(data.draw(st.integers(1, len(values))), len(values))
    hair = Fraction(1, 10**40)
    for level in (tie, tie + hair, tie - hair, Fraction(9, 10), Fraction(1, 2), Fraction(19, 20)):
        if 0 < level < 1:
            assert weighted_quantile(weights, m, level) == quantile_of(values, level)


@pytest.mark.slow
@pytest.mark.parametrize(("n", "m"), [(30, 12), (100, 11), (12, 40)])
def test_ranks_are_weights(n, m):
    weights = np.arange(1, n + 2)
    np.testing.assert_allclose(
        weighted_law(weights, m), [count / comb(n + m, m) for count in rank_sum_counts(n, m)], rtol=1e-12
    )
    for level in (Fraction(1, 2), Fraction(4, 5), Fraction(9, 10), Fraction(99, 100), 1 - Fraction(1, 10**12)):
        exact = np.add.accumulate(np.array(rank_sum_counts(n, m), dtype=object)) * level.denominator
        q = int(np.flatnonzero(exact >= level.numerator * comb(n + m, m))[0]) + m
        assert weighted_quantile(weights, m, level) == q
    assert weighted_quantile(weights, m, Fraction(9, 10)) == RankLaw(n, m).rank_sum_quantile(0.9)


@pytest.mark.slow
def test_counts_that_leave_64_bits():
    weights, whole = np.repeat([0, 1], 25), comb(49 + 51, 51)  # 25 ranks weigh nothing, 25 one
    assert whole > 2**64
    count = 0
    for j in range(40):
        count += comb(24 + 51 - j, 24) * comb(24 + j, 24)
        assert weighted_quantile(weights, 51, Fraction(count, whole)) == j
        assert weighted_quantile(weights, 51, Fraction(count, whole) + Fraction(1, 10**40)) == j + 1


def test_what_is_too_long_to_count_is_rounded_up(monkeypatch):
    weights = np.repeat([0, 1], 25)  # by symmetry half of the law lies below the middle, a tie
    monkeypatch.setattr(weighted, "EXACT_WORK", 10)
    assert weighted_quantile(weights, 51, Fraction(1, 2)) == 26
    assert weighted_quantile(weights, 51, Fraction(1, 2) - Fraction(1, 10**9)) == 25


def test_cost_counts_the_inner_steps():
    assert weighted_cost(np.array([2, 3, 7]), 4) == 3 * 4 * (4 * 5 + 1)
