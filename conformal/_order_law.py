"""The law of one sorted position R_k: certified tails, and the exact count where a float cannot decide.

P(R_k <= z) = P(X >= k), X the number of test points among the z + k - 1 lowest of the pooled scores: hypergeometric.
"""

from functools import lru_cache
from math import comb, isqrt, lgamma, log

import numpy as np

__all__ = ["decide", "least_calibration", "least_rank", "order_cdf", "order_pmf", "tails", "window_law"]

UNIT = 2.0**-53
NEGLECTED = 1e-30  # beyond the window, by Bernstein's inequality: 2 exp(-72); underflow is far smaller
EXACT_BITS, EXACT_WORK = 20_000, 10**8


@lru_cache(maxsize=256)
def tails(n, m, k, z):
    """Return P(R_k <= z), P(R_k > z) and a bound on the relative error of each (NEGLECTED comes on top)."""
    drawn = z + k - 1
    low, high = max(0, drawn - n), min(m, drawn)
    if k <= low:
        return 1.0, 0.0, 0.0
    if k > high:
        return 0.0, 1.0, 0.0
    mode, up, down, reach = _ratios(n, m, drawn, low, high)
    if k > mode:
        above, below = up[k - mode - 1 :].sum(), 1.0 + up[: k - mode - 1].sum() + down.sum()
    else:
        above, below = 1.0 + up.sum() + down[: mode - k].sum(), down[mode - k :].sum()
    # four roundings per factor, then the sums and the quotient: 8 reach + 100 at most; the rest is for the comparisons
    return float(above / (above + below)), float(below / (above + below)), (12 * reach + 50) * UNIT


def _ratios(n, m, drawn, low, high):
    """Return the mode of the hypergeometric law, its values above and below relative to it, and how far they reach."""
    total = n + m
    mode = min(max((drawn + 1) * (m + 1) // (total + 2), low), high)
    # the tails are below those of four binomial laws (Hoeffding 1963); the smallest variance gives the window
    p, q = m / total, drawn / total
    variance = min(min(drawn, total - drawn) * p * (1 - p), min(m, n) * q * (1 - q))
    reach = 12 * isqrt(int(variance) + 1) + 120
    j = np.arange(mode, min(high, mode + reach), dtype=np.float64)
    up = np.cumprod((m - j) * (drawn - j) / ((j + 1) * (n - drawn + j + 1)))
    j = np.arange(mode, max(low, mode - reach), -1, dtype=np.float64)
    down = np.cumprod(j * (n - drawn + j) / ((m - j + 1) * (drawn - j + 1)))
    return mode, up, down, reach


def window_law(n, m, drawn):
    """Return the least number of test points with a probability that counts, and the probabilities from there on."""
    mode, up, down, _ = _ratios(n, m, drawn, max(0, drawn - n), min(m, drawn))
    law = np.concatenate([down[::-1], [1.0], up])
    return mode - len(down), law / law.sum()


def decide(n, m, k, z, level):
    """Return whether P(R_k <= z) >= level; None where neither floats nor affordable integers can tell."""
    at_most, beyond, error = tails(n, m, k, z)
    slack = NEGLECTED if error else 0.0
    reach, miss = float(level), float(1 - level)
    if at_most * (1 - error) - slack > reach or beyond * (1 + error) + slack < miss * (1 - UNIT):
        return True
    if at_most * (1 + error) + slack < reach * (1 - UNIT) or beyond * (1 - error) - slack > miss:
        return False
    if error == 0.0:  # the law is 0 or 1 there
        return at_most >= level
    return _decide_exactly(n, m, k, z, level)


def _decide_exactly(n, m, k, z, level):
    total, drawn = n + m, z + k - 1
    if min(drawn, total - drawn) < min(m, n):  # X has the same law, and the whole has fewer digits
        n, m, drawn = total - drawn, drawn, m
    low, high = max(0, drawn - n), min(m, drawn)
    bits = (lgamma(total + 1) - lgamma(n + 1) - lgamma(m + 1)) / log(2) + 1
    terms = min(high - k + 1, k - low)
    if bits > EXACT_BITS or bits * terms > EXACT_WORK:
        return None
    upper = high - k + 1 <= k - low  # sum the shorter tail
    start, stop = (k, high) if upper else (low, k - 1)
    term = comb(drawn, start) * comb(total - drawn, m - start)
    count = term
    for j in range(start, stop):
        term = term * ((m - j) * (drawn - j)) // ((j + 1) * (n - drawn + j + 1))
        count += term
    whole = comb(total, m)
    count = count if upper else whole - count
    return count * level.denominator >= level.numerator * whole


def least_rank(n, m, k, level):
    """Return the least z with P(R_k <= z) >= level, for certain; a higher one only where nothing could decide."""
    low, high = 0, n + 1  # at n + 1 the law is complete
    while high - low > 1:
        middle = (low + high) // 2
        if decide(n, m, k, middle, level):
            high = middle
        else:
            low = middle
    return high


def least_calibration(m, k, level, spare=1, limit=10**9):
    """Return the least n with P(R_k <= n + 1 - spare) >= level, a finite bound for `spare` = 1; None above `limit`."""
    low, high = 0, 1
    while not decide(high, m, k, high + 1 - spare, level):
        if high == limit:
            return None
        low, high = high, min(2 * high, limit)
    while high - low > 1:
        middle = (low + high) // 2
        if decide(middle, m, k, middle + 1 - spare, level):
            high = middle
        else:
            low = middle
    return high


def order_cdf(n, m, k, z):
    """Return P(R_k <= z) for any integer z."""
    if z < 1:
        return 0.0
    if z > n:
        return 1.0
    at_most, beyond, _ = tails(n, m, k, z)
    return at_most if at_most <= beyond else 1.0 - beyond


def order_pmf(n, m, k):
    """Return P(R_k = z) for z = 1 ... n + 1: ratios from the mode outwards, so that nothing overflows."""
    mode = 1 if m == 1 else min(max((n + 1) * (k - 1) // (m - 1), 0) + 1, n + 1)
    z = np.arange(mode, n + 1, dtype=np.float64)
    up = np.cumprod((z + k - 1) / z * (n - z + 1) / (n + m - z - k + 1))
    z = np.arange(mode - 1, 0, -1, dtype=np.float64)
    down = np.cumprod(z / (z + k - 1) * (n + m - z - k + 1) / (n - z + 1))
    law = np.concatenate([down[::-1], [1.0], up])
    return law / law.sum()
