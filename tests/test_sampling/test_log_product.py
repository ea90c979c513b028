"""The product behind every formula, against exact integers and, where these are too large, against many digits."""

from fractions import Fraction
from math import comb, fsum, log1p

import numpy as np
import pytest

from uq.sampling._log_product import log_failure, log_product


def one(function, *values):
    return float(function(*(np.array([float(v)]) for v in values))[0])


@pytest.mark.parametrize(
    ("n", "c", "k"),
    [(200, 1, 1), (10**4, 1, 1), (10**6, 1, 1), (10**6, 3, 7), (10**4, 3, 500), (20_000, 1500, 600), (5000, 2000, 700)],
)
def test_pass_at_k_to_the_last_digits(n, c, k):
    exact = 1 - Fraction(comb(n - c, k), comb(n, k))
    got = -np.expm1(one(log_failure, n, c, k))
    assert got == pytest.approx(float(exact), rel=4e-15)


def test_small_counts_all_of_them():
    rows = [(n, c, k) for n in range(0, 9) for c in range(n + 1) for k in range(0, n + 3)]
    n, c, k = np.array(rows, dtype=float).T
    want = [comb(int(a - b), int(r)) / comb(int(a), int(r)) if r <= a else 0.0 for a, b, r in rows]
    assert np.exp(log_failure(n, c, k)) == pytest.approx(want, abs=1e-15)


@pytest.mark.parametrize(
    ("x", "start", "count"),
    [
        (5.0, 9.0, 30),
        (5.0, 9.0, 4000),
        (1e5, 1e5 + 0.25, 3000),
        (1e-9, 1e-3, 5000),
        (900.0, 1e9, 10**5),
        (0.3, 12.3, 10**5),
    ],
)
def test_long_sums_against_every_term(x, start, count):
    want = fsum(log1p(-x / (start + j)) for j in range(count))
    assert one(log_product, x, start, count) == pytest.approx(want, rel=1e-13)


def test_one_call_for_many_sizes_is_the_same_as_one_by_one():
    rng = np.random.default_rng(0)
    n = rng.integers(1, 5000, 300).astype(float)
    c, k = np.floor(rng.random((2, 300)) * (n + 1))
    together = log_failure(n, c, k)
    assert together == pytest.approx([one(log_failure, *row) for row in zip(n, c, k, strict=True)], rel=1e-14)
    assert (together[c + k > n] == -np.inf).all()


def test_more_samples_never_fail_more_often():
    k = np.arange(0, 3000.0)
    log = log_failure(np.full(3000, 4000.0), np.full(3000, 900.0), k)
    assert (np.diff(log) < 0).all()
