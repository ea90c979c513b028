"""How many of the C(n + m, m) configurations have a rank sum of at most m + u, in integers.

The count is a sum of coefficients of the Gaussian binomial, prod_i (1 - x^(n+i)) / (1 - x^i) over i = 1 ... m. They can
be tabulated from the first to the last that is needed. For small m that is not necessary: the numerator has few powers
of x, and with D = lcm(1 ... m) the rest, 1 / ((1 - x) prod_i (1 - x^i)), is a polynomial of degree below (m + 1) D over
(1 - x^D)^(m+1), whose coefficients are binomials.
"""

from functools import lru_cache
from math import comb, lcm

import numpy as np

__all__ = ["FEW", "rank_count"]

FEW = 10  # (m + 1) D is 27 720 here, and 332 640 for m = 11
WORK = 3 * 10**6  # additions of integers


def rank_count(m, n, u):
    """Return the number of configurations with U <= u, 0 <= u <= nm; None where that would take too long."""
    if 2 * u >= n * m:  # the law is symmetric
        above = rank_count(m, n, n * m - 1 - u) if u < n * m else 0
        return None if above is None else comb(n + m, m) - above
    if m <= FEW:
        return sum(sign * _partitions(m, u - shift) for shift, sign in _numerator(m, n) if shift <= u)
    return _by_table(m, n, u) if m * u <= WORK else None


def _times(c, a, b):
    """Multiply the power series c by (1 - x^a) / (1 - x^b) in place."""
    if a < len(c):
        c[a:] -= c[:-a].copy()
    for start in range(min(b, len(c))):
        c[start::b] = np.add.accumulate(c[start::b])


def _by_table(m, n, u):
    # additions and subtractions only: modulo 2^64 they end at the right count where that is below 2^64
    c = np.zeros(u + 1, dtype=np.uint64 if comb(n + m, m) < 2**64 else object)
    c[0] = 1
    for i in range(1, m + 1):
        _times(c, n + i, i)
    return int(c.sum())


def _numerator(m, n):
    """Yield the powers of x in prod_i (1 - x^(n+i)), with their coefficients (the q-binomial theorem)."""
    for j, coefficients in enumerate(_gaussian_binomials(m)):
        least = j * n + j * (j + 1) // 2
        for e, count in enumerate(coefficients):
            yield least + e, -count if j % 2 else count


@lru_cache(maxsize=FEW)
def _gaussian_binomials(m):
    rows = []
    for j in range(m + 1):
        c = np.zeros(j * (m - j) + 1, dtype=object)
        c[0] = 1
        for i in range(1, j + 1):
            _times(c, m - j + i, i)
        rows.append(c.tolist())
    return rows


@lru_cache(maxsize=FEW)
def _over_common_denominator(m):
    d = lcm(*range(1, m + 1))
    c = np.zeros((m + 1) * d, dtype=object)
    c[0] = 1
    for i in (1, *range(1, m + 1)):
        _times(c, d, i)
    return d, c.tolist()


def _partitions(m, t):
    """Return the coefficient of x^t in 1 / ((1 - x) prod_i (1 - x^i))."""
    d, c = _over_common_denominator(m)
    whole, rest = divmod(t, d)
    return sum(c[rest + j * d] * comb(whole - j + m, m) for j in range(min(whole, m) + 1))
