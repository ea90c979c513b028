"""Slow answers for small batches: every configuration of ranks, the plain double loop, the naive program."""

from collections import Counter
from fractions import Fraction
from itertools import combinations_with_replacement
from math import comb

import numpy as np

__all__ = [
    "best_by_enumeration",
    "configurations",
    "naive_mean_program",
    "order_count",
    "quantile_of",
    "rank_sum_count",
    "rank_sum_counts",
]


def configurations(n, m):
    """Return all non-decreasing sequences of m ranks in 1 ... n + 1; R is uniform over them."""
    return list(combinations_with_replacement(range(1, n + 2), m))


def quantile_of(values, level):
    """Return the least value with P(value <= t) >= level, in fractions."""
    counts, running, total = Counter(values), 0, len(values)
    for t in sorted(counts):
        running += counts[t]
        if Fraction(running, total) >= level:
            return t
    raise AssertionError


def best_by_enumeration(scores, top, g, allowed):
    """Return the greatest g(S_(r_1), ..., S_(r_m)) over the allowed configurations."""
    padded = [None, *sorted(scores), top]
    return max(g([padded[r] for r in ranks]) for ranks in allowed)


def naive_mean_program(scores, m, q):
    """Return max sum over m ranks of sorted scores with rank sum <= q: m times a double loop over sums and ranks."""
    best = np.full(q + 1, -np.inf)
    best[0] = 0.0
    for _ in range(m):
        new = np.full(q + 1, -np.inf)
        for r, s in enumerate(scores, start=1):
            if r <= q:
                np.maximum(new[r:], best[: q + 1 - r] + s, out=new[r:])
        best = new
    return best.max()


def rank_sum_counts(n, m):
    """Return how many configurations have each rank sum less m, by adding one rank value at a time."""
    counts = [[0] * (n * m + 1) for _ in range(m + 1)]
    counts[0][0] = 1
    for r in range(n + 1):
        for i in range(1, m + 1):
            for u in range(r, n * m + 1):
                counts[i][u] += counts[i - 1][u - r]
    assert sum(counts[m]) == comb(n + m, m)
    return counts[m]


def order_count(n, m, k, z):
    """Return how many of the C(n + m, m) configurations have R_k <= z, by the places of the test points."""
    drawn = z + k - 1
    return sum(comb(drawn, j) * comb(n + m - drawn, m - j) for j in range(k, min(m, drawn) + 1))


def rank_sum_count(n, m, u):
    """Return how many configurations have a rank sum less m <= u, by the lowest rank; for m <= 3 and large n."""
    if u < 0 or n < 0:
        return 0
    if m == 1:
        return min(u, n) + 1
    if m == 2:  # from the lowest a on there are min(n - a, u - 2a) + 1 choices
        u = min(u, 2 * n)
        a = max(u - n, 0)  # as many have the whole range of n - a to choose from
        return a * (n + 1) - a * (a - 1) // 2 + (u - 2 * a + 2) ** 2 // 4
    return sum(rank_sum_count(n - a, m - 1, u - m * a) for a in range(min(u // m, n) + 1))
