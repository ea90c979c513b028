"""The law of the rank sum: known quantiles, its certified error, and the inequalities behind the certificate."""

import time
from fractions import Fraction
from math import comb, isqrt, pi

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_conformal.enumeration import quantile_of, rank_sum_count, rank_sum_counts

from conformal import RankLaw
from conformal import _sum_law as sum_law
from conformal._sum_count import FEW, _by_table, rank_count
from conformal._sum_law import _decide, _fewest, _is_prime, _log_phi_by_cumulants, _outer, _phi_by_sines, _Series

NINE_TENTHS = Fraction(9, 10)


@pytest.mark.parametrize(
    ("n", "m", "q"), [(40, 10, 263), (200, 10, 1252), (1000, 100, 53985), (1000, 300, 157611), (200_000, 1, 180_001)]
)
def test_known_quantiles(n, m, q):
    assert RankLaw(n, m).rank_sum_quantile(0.9) == q


def test_known_quantile_of_the_capped_order():
    """Given that no rank is n + 1, the law is that of n - 1; P(no rank is n + 1) = n / (n + m)."""
    level = NINE_TENTHS * Fraction(210, 200)
    assert sum_law.rank_sum_quantile(199, 10, level) == 1304
    assert sum_law.rank_sum_quantile(89, 10, NINE_TENTHS * Fraction(100, 90)) == 900  # a level of 1: the last of all


@pytest.mark.parametrize(
    ("n", "m"), [(60_000, 2), (40_000, 3), (30_000, 4), (20_000, 6), (15_000, 8), (12_000, 10), (10**7, 2), (10**7, 5)]
)
@pytest.mark.parametrize("level", [0.5, 0.8, 0.9, 0.99])
def test_small_batches_of_large_calibration_sets(n, m, level):
    """Where phi decays slowly, and a truncated series fails by up to 1e-5."""
    u = RankLaw(n, m).rank_sum_quantile(level) - m
    count = rank_sum_count if m <= 3 and n < 10**6 else lambda n, m, u: rank_count(m, n, u)
    whole, exact = comb(n + m, m), Fraction(str(level))
    assert count(n, m, u - 1) < exact * whole <= count(n, m, u)
    assert RankLaw(n, m).rank_sum_cdf(u + m) == count(n, m, u) / whole
    assert RankLaw(m, n).rank_sum_quantile(level) - n == u  # U of (n, m) and of (m, n) are one


@pytest.mark.slow
@pytest.mark.parametrize(("n", "m"), [(11, 11), (12, 11), (14, 12), (30, 12), (25, 20), (11, 15)])
def test_every_level_next_to_every_step(n, m):
    """Ties with the level and levels a hair beside one are decided rightly, for all u."""
    counts, whole = np.cumsum(rank_sum_counts(n, m).copy()).tolist(), comb(n + m, m)
    low, high = sorted((n, m))
    for u, count in enumerate(counts[:-1]):
        tie, hair = Fraction(count, whole), Fraction(1, 10**40)
        assert _decide(low, high, u, tie)
        assert _decide(low, high, u, tie - hair) or tie <= hair
        assert not _decide(low, high, u, tie + hair)
    for level in (Fraction(9, 10), Fraction(19, 20), Fraction(1, 2), 1 - Fraction(1, 10**9)):
        u = next(u for u, count in enumerate(counts) if count >= level * whole)
        assert sum_law.rank_sum_quantile(n, m, level) == u + m


def certified(m, n, us, count):
    law, whole = _Series(m, n), comb(n + m, m)
    assert law.error < 1e-12
    for u in us:
        assert abs(Fraction(law.cdf(u)) - Fraction(count(m, n, u), whole)) <= Fraction(law.error)
    return law


@pytest.mark.parametrize("m", range(2, FEW + 1))
@pytest.mark.parametrize("n", [10, 57, 300, 4001])
def test_series_keeps_its_certified_error_with_few_test_points(m, n, rng):
    us = {0, 1, n, n * m // 2, n * m - 1, *rng.integers(0, n * m, 20).tolist()}
    certified(m, n, us, rank_count)


@given(st.integers(11, 60), st.integers(0, 30), st.data())
def test_series_keeps_its_certified_error(m, more, data):
    n = m + more
    u = data.draw(st.integers(0, (n * m - 1) // 2))
    if u * m < 30_000:
        certified(m, n, [u], _by_table)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("m", "n"),
    [(2, 10**6), (3, 6 * 10**5), (4, 3 * 10**5), (6, 10**6), (8, 3 * 10**5), (9, 20_000), (10, 50_000), (10, 10**7)],
)
def test_series_keeps_its_certified_error_with_long_spectra(m, n, rng):
    us = {0, 1, n, n * m // 2, n * m - 1, *rng.integers(0, n * m, 8).tolist()}
    certified(m, n, us, rank_count)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("m", "n"), [(77, 500), (20, 11_000), (40, 4500), (60, 1400), (100, 1000), (150, 150), (120, 200)]
)
def test_series_keeps_its_certified_error_where_it_is_truncated(m, n):
    u = n * m // 2
    law = certified(m, n, [u - 1, u - u // 7, u // 2], _by_table)
    assert len(law.k) < law.period // 4


@pytest.mark.parametrize(
    ("m", "n"), [(2, 50), (5, 40), (12, 12), (30, 100), (11, 1000), (60, 60), (100, 100), (3, 400)]
)
def test_groups_bound_the_characteristic_function(m, n):
    total, period = n + m, 4 * n * m + 1
    while not _is_prime(period):
        period += 2
    phi = np.abs(_phi_by_sines(m, n, (period - 1) // 2, period))
    theta = 2 * pi * np.arange(1, len(phi) + 1) / period
    bounds = [(2 * pi / total, _outer(m, n, 2))]
    bounds += [(4 * pi * g * s / total, _outer(m, n, g, s)) for g in (4, 8, 16, 32) for s in (1, 2, 4, 16)]
    told = 0
    for least, bound in bounds:
        assert phi[theta >= least].max(initial=0.0) <= bound
        told += bound < 0.9 and (theta >= least).any()
    assert told
    # below, by the power series
    variance = n * m * (total + 1) / 12
    inner = theta < 2 * pi / total
    assert (phi[inner] <= np.exp(-(theta[inner] ** 2) * variance / 2) * (1 + 1e-12)).all()


@pytest.mark.parametrize(("g", "spread"), [(2, 1), (4, 1), (4, 4), (8, 2)])
@pytest.mark.parametrize(("m", "n"), [(12, 500), (30, 300), (60, 600), (100, 100)])
def test_the_bound_of_groups_is_above_their_polynomial(m, n, g, spread):
    """[x^m] ((1 + x)^g - g (1 - rho) x)^P (1 + x)^rest / C(N, m), with the greatest factor of a group for rho."""
    angle = np.linspace(pi / 3, 2 * pi / 3, 10_001)
    rho = np.abs(np.sin(g * angle) / (g * np.sin(angle))).max()
    total = n + m
    outside = isqrt(total // 2) + 2 if g == 2 else total // (6 * spread) + g - 1
    groups = (total - outside) // g
    coefficients = np.array([comb(g, i) for i in range(min(g, m) + 1)], dtype=float)
    coefficients[1] *= rho
    law = np.array([comb(total - g * groups, i) / comb(total, m) for i in range(m + 1)])
    for _ in range(groups):
        law = np.convolve(law, coefficients)[: m + 1]
    assert law[m] <= _outer(m, n, g, spread) <= max(1e4 * law[m], 1e-15)


@pytest.mark.slow
def test_groups_leave_few_positions_over():
    """For every theta of interest some d is in the right range and leaves as few positions as the proof says."""
    d = np.arange(1, 401)[:, None]
    for total in range(3, 401, 7):
        c = np.concatenate([np.linspace(2, total, 2000), total / np.arange(1, total // 2 + 1)])  # 2 pi / theta
        turn = d / c % 1
        allowed = (turn >= 1 / 3) & (turn <= 2 / 3)
        rest = np.abs(total - 2 * d * np.round(total / (2 * d)))
        assert np.where(allowed, rest, np.inf).min(axis=0).max() <= isqrt(total // 2) + 3
        least = np.ceil(c / 3 - 1e-12)
        assert ((least / c >= 1 / 3 - 1e-12) & (least / c <= 2 / 3 + 1e-12)).all()


@pytest.mark.parametrize(("m", "n"), [(11, 40), (100, 1000), (300, 300), (40, 10**6), (2000, 5000)])
def test_cumulants_and_sines_are_one_function(m, n):
    period = sum_law._prime_above(n * m + 1)
    count = min(int(0.8 * period / (n + m)), 2000)
    phi = _phi_by_sines(m, n, count, period)
    logs = _log_phi_by_cumulants(m, n, 2 * pi * np.arange(1, count + 1) / period)
    kept = logs > -40
    np.testing.assert_allclose(phi[kept], np.exp(logs[kept]), rtol=2e-13 + 4e-15 * m)


def test_the_spectrum_stays_short():
    """Groups leave out enough wherever all of the terms would be too many."""
    for m in range(FEW + 1, 90, 6):
        for n in (100, 1000, 10**4, 10**5, 10**6, 10**7):
            if n >= m:
                assert _fewest(m, n, n * m, 0.5 * np.log(n * m) + 1)[0] < 2 * 10**6


def test_levels_that_no_float_can_tell_from_one():
    n, m = 3000, 300
    q = RankLaw(n, m).rank_sum_quantile(1 - 2.0**-53)
    deviation = (n * m * (n + m + 1) / 12) ** 0.5
    assert 8 * deviation < q - m - n * m / 2 < 8.6 * deviation  # and not the end of the range, which is 28 away


def test_the_median_of_an_odd_law_is_a_tie_at_every_size():
    n, m = 10**5 + 1, 10**5 - 1
    assert RankLaw(n, m).rank_sum_quantile(0.5) == m + (n * m - 1) // 2


def test_primes():
    sieve = [p for p in range(2, 2000) if all(p % i for i in range(2, isqrt(p) + 1))]
    assert [x for x in range(2000) if _is_prime(x)] == sieve
    assert sum_law._prime_above(7) == 11
    assert not _is_prime(3_215_031_751)  # a strong pseudoprime to 2, 3, 5 and 7
    assert not _is_prime(999_983 * 1_000_003)


def test_quantile_of_small_cases_is_that_of_the_counts():
    counts = rank_sum_counts(6, 4)
    values = [u for u, count in enumerate(counts) for _ in range(count)]
    for level in (Fraction(1, 100), Fraction(1, 7), Fraction(1, 2), Fraction(21, 210), Fraction(209, 210)):
        assert sum_law.rank_sum_quantile(6, 4, level) == quantile_of(values, level) + 4


@pytest.mark.slow
@pytest.mark.parametrize(("n", "m"), [(1000, 100), (1000, 1000), (10**6, 10**5), (40, 10)])
def test_quantiles_take_milliseconds(n, m):
    sum_law._law.cache_clear()
    start = time.process_time()
    RankLaw(n, m).rank_sum_quantile(0.9)
    assert time.process_time() - start < 0.1  # about .001, and .005 for a million
