"""The certified tails of one sorted position, and what integers decide."""

import time
from fractions import Fraction
from math import comb, isqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_conformal.enumeration import order_count

from conformal import RankLaw
from conformal._levels import as_fraction, ceil_product, side_level
from conformal._order_law import NEGLECTED, _decide_exactly, decide, least_calibration, least_rank, tails


def test_levels_are_decimals():
    assert as_fraction(0.9) == Fraction(9, 10)
    assert as_fraction(1e-5) == Fraction(1, 10**5)
    assert as_fraction(Fraction(2, 3)) == Fraction(2, 3)
    assert side_level(0.9, "two-sided") == Fraction(19, 20)
    assert side_level(0.9, "less") == side_level(0.9, "greater") == Fraction(9, 10)
    assert [ceil_product(q, 100) for q in (0.29, 0.57, 0.58, 0.9)] == [29, 57, 58, 90]
    assert [ceil_product(0.1, m) for m in (1, 10, 11)] == [1, 1, 2]


@given(st.integers(1, 400), st.integers(1, 400), st.data())
def test_tails_keep_their_relative_error(n, m, data):
    k, z = data.draw(st.integers(1, m)), data.draw(st.integers(1, n + 1))
    at_most, beyond, error = tails(n, m, k, z)
    whole = comb(n + m, m)
    exact = Fraction(order_count(n, m, k, z), whole)
    for found, truth in ((at_most, exact), (beyond, 1 - exact)):
        assert abs(Fraction(found) - truth) <= Fraction(error) * truth + (Fraction(NEGLECTED) if error else 0)


@given(st.integers(1, 60), st.integers(1, 60), st.data())
def test_decisions_at_exact_ties_and_next_to_them(n, m, data):
    k, z = data.draw(st.integers(1, m)), data.draw(st.integers(1, n + 1))
    tie = Fraction(order_count(n, m, k, z), comb(n + m, m))
    hair = Fraction(1, 10**40)
    for level in (tie, tie + hair, tie - hair, Fraction(1, 3)):
        if 0 < level < 1:
            assert decide(n, m, k, z, level) is (tie >= level)
            assert tie in (0, 1) or _decide_exactly(n, m, k, z, level) is (tie >= level)


@pytest.mark.parametrize(("n", "m"), [(9, 1), (90, 10), (900_000, 100_000), (9 * 10**6, 10**6)])
def test_the_largest_of_a_batch_ties_at_every_size(n, m):
    """P(max of batch <= max of calibration) = n / (n + m), here .9: one rank too high would be an infinite bound."""
    law = RankLaw(n, m)
    assert law.order_statistic_rank(m, 0.9) == n
    assert law.order_statistic_rank(1, 0.9, side="lower") == 2
    if n > 9:
        assert RankLaw(n - 1, m).order_statistic_rank(m, 0.9) == n  # that is beyond all calibration scores


def test_level_one_is_reached_at_the_end_alone():
    assert decide(5, 3, 3, 6, Fraction(1)) is True
    assert decide(5, 3, 3, 5, Fraction(1)) is False
    assert least_rank(10**7, 10**7, 10**7, Fraction(1)) == 10**7 + 1


def test_what_integers_cannot_decide_is_rounded_up():
    n = m = 10**6 + 1
    k = (m + 1) // 2
    z = (n + 1) // 2  # P(R_k <= z) = 1/2 by symmetry
    assert decide(n, m, k, z, Fraction(1, 2)) is None
    assert least_rank(n, m, k, Fraction(1, 2)) == z + 1
    assert decide(n, m, k, z - 1, Fraction(1, 2)) is False


@pytest.mark.parametrize("level", [Fraction(9, 10), Fraction(1, 2), 1 - Fraction(1, 10**12), Fraction(1, 10**12)])
def test_extreme_levels(level):
    n, m, whole = 120, 30, comb(150, 30)
    for k in (1, 7, 30):
        q = least_rank(n, m, k, level)
        assert order_count(n, m, k, q - 1) < level * whole <= order_count(n, m, k, q)


@given(st.integers(1, 12), st.data(), st.sampled_from(["0.5", "0.8", "0.9", "0.95", "0.75"]))
def test_least_calibration_is_the_first_with_a_finite_bound(m, data, level):
    k, level = data.draw(st.integers(1, m)), Fraction(level)
    n = least_calibration(m, k, level)
    assert Fraction(order_count(n, m, k, n), comb(n + m, m)) >= level
    if n > 1:
        assert Fraction(order_count(n - 1, m, k, n - 1), comb(n - 1 + m, m)) < level


def test_least_calibration_of_large_batches():
    assert least_calibration(10**6, 10**6, Fraction(9, 10)) == 9 * 10**6
    assert least_calibration(10**7, 10**7, Fraction(99, 100)) == 99 * 10**7
    assert least_calibration(10**7, 10**7, Fraction(999, 1000)) is None


def test_the_window_grows_like_a_deviation():
    """The work per tail is O(sqrt(m)), so that a million scores cost no more than a thousand terms."""
    assert tails(10**6, 10**5, 5 * 10**4, 500_500)[2] < 50 * 12 * isqrt(10**5) * 2.0**-53


@pytest.mark.slow
def test_ranks_take_milliseconds():
    law = RankLaw(10**6, 10**5)
    best = []
    for k in (1, 1000, 50_000, 99_000, 100_000):
        times = []
        for level in (0.9, 0.91, 0.92):  # other levels, so that nothing is remembered
            start = time.perf_counter()
            law.order_statistic_rank(k, level)
            times.append(time.perf_counter() - start)
        best.append(min(times))
    assert max(best) < 0.05  # seconds; about .001 on a quiet core
