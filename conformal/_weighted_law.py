"""The law of a weighted rank sum, sum w(R_j) with integer weights: one rank value at a time, all terms positive.

With c(r, i) the law of the weighted sum of i ranks in 1 ... r, uniform over the non-decreasing sequences,

    c(r, i) = (r - 1)/(r - 1 + i) c(r - 1, i) + i/(r - 1 + i) c(r, i - 1) shifted by w(r).
"""

from math import comb

import numpy as np

__all__ = ["weighted_cost", "weighted_law", "weighted_quantile"]

UNIT = 2.0**-53
EXACT_WORK = 3 * 10**6  # additions of integers


def weighted_cost(weights, m):
    """Return the number of multiplications of `weighted_law`."""
    return len(weights) * m * (m * int(weights[-1] - weights[0]) + 1)


def weighted_law(weights, m):
    """Return P(h(R) = m w(1) + j) for j = 0, 1, ..., m (w(last) - w(1)).

    Parameters
    ----------
    weights : ndarray of int, shape (n + 1,)
        Non-decreasing: the weight of each rank.
    m : int
    """
    shifts = (weights - weights[0]).tolist()
    law = np.zeros((m + 1, m * shifts[-1] + 1))
    law[:, 0] = 1.0  # the first rank alone: every sum is m w(1)
    for r, w in enumerate(shifts[1:], start=2):
        for i in range(1, m + 1):
            law[i] *= (r - 1) / (r - 1 + i)
            law[i, w:] += i / (r - 1 + i) * law[i - 1, : law.shape[1] - w]
    return law[m]


def weighted_quantile(weights, m, level):
    """Return the least q with P(h(R) <= q) >= level, or a larger one where nothing affordable can tell."""
    law = weighted_law(weights, m)
    # three roundings per step, as many steps as ranks and test points; the shorter tail decides
    error = (4 * (len(weights) + m) + len(law)) * UNIT
    below, above = np.cumsum(law), np.append(np.cumsum(law[::-1])[::-1][1:], 0.0)
    reach, miss = float(level), float(1 - level)
    sure = (below * (1 - error) >= reach) | (above * (1 + error) <= miss * (1 - UNIT))
    q = int(np.flatnonzero(sure)[0])
    short = (below[:q] * (1 + error) < reach * (1 - UNIT)) | (above[:q] * (1 - error) > miss)
    if not short.all() and weighted_cost(weights, m) <= EXACT_WORK:
        counts = np.add.accumulate(_weighted_counts(weights, m).astype(object))
        q = next(j for j, count in enumerate(counts) if count * level.denominator >= level.numerator * counts[-1])
    return q + m * int(weights[0])


def _weighted_counts(weights, m):
    """Return how many configurations have each sum: `weighted_law` in integers."""
    shifts = (weights - weights[0]).tolist()
    whole = comb(len(weights) - 1 + m, m)
    counts = np.zeros((m + 1, m * shifts[-1] + 1), dtype=np.uint64 if whole < 2**64 else object)
    counts[0, 0] = 1
    for w in shifts:
        for i in range(1, m + 1):
            counts[i, w:] += counts[i - 1, : counts.shape[1] - w]
    return counts[m]
