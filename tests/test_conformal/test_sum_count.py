"""Counts of rank sums in integers, against the plain recursions."""

from itertools import accumulate
from math import comb, factorial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_conformal.enumeration import rank_sum_count, rank_sum_counts

from conformal._sum_count import FEW, WORK, _by_table, rank_count


@pytest.mark.slow
@pytest.mark.parametrize("m", [*range(1, FEW + 3), 15])
@pytest.mark.parametrize("more", [0, 1, 4, 15])
def test_counts_every_rank_sum(m, more):
    n = m + more
    assert [rank_count(m, n, u) for u in range(n * m + 1)] == list(accumulate(rank_sum_counts(n, m)))


@given(st.integers(1, 3), st.integers(3, 500), st.data())
def test_counts_of_few_test_points_by_the_lowest_rank(m, n, data):
    u = data.draw(st.integers(0, n * m))
    assert rank_count(m, n, u) == rank_sum_count(n, m, u)


@given(st.integers(4, FEW), st.integers(20, 400), st.data())
def test_the_closed_form_is_the_table(m, n, data):
    u = data.draw(st.integers(0, (n * m - 1) // 2))
    assert rank_count(m, n, u) == _by_table(m, n, u)


@pytest.mark.parametrize("m", range(2, FEW + 1))
def test_counts_at_ten_million(m):
    n = 10**7
    u = n * m // 3
    assert rank_count(m, n, u) + rank_count(m, n, n * m - 1 - u) == comb(n + m, m)
    # up to n no rank is cut off; the leading terms of the number of partitions, its error is of second order in m^2/n
    approximate = (n + (1 + m * (m + 1) / 2) / 2) ** m / factorial(m) ** 2
    assert rank_count(m, n, n) == pytest.approx(approximate, rel=1e-9)


def test_counts_beyond_64_bits():
    n, m = 45, 30
    exact = list(accumulate(rank_sum_counts(n, m)))
    for u in (0, 10, 600, 674, 675, 700, 1340):
        assert rank_count(m, n, u) == exact[u]
    assert exact[600] > 2**64


def test_declines_what_takes_too_long():
    m, n = 200, 200
    assert m * (n * m // 2 - 5) > WORK
    assert rank_count(m, n, n * m // 2 - 5) is None
    assert rank_count(m, n, n * m // 2 + 5) is None
    assert rank_count(m, n, n * m) == comb(n + m, m)
    assert rank_count(m, n, 3) == 1 + 1 + 2 + 3
