"""Two sorted positions at once, and how many test scores lie beyond a line."""

import numpy as np
from scipy import stats

from ._order_law import decide, order_cdf

__all__ = ["band_level", "band_ranks", "exceedance_bound"]

MARGIN = 1e-11  # far above the rounding of the level, far below what anyone asks for


def band_level(n, m, k1, k2, low, high):
    """Return P(R_k1 >= low and R_k2 <= high) for k1 <= k2.

    The complement is P(R_k1 < low) + P(R_k2 > high) less what both have in common: at least k1 test points among the
    low + k1 - 2 lowest of the pooled scores, and fewer than k2 among the high + k2 - 1 lowest.
    """
    if low > high:
        return 0.0
    below, above = order_cdf(n, m, k1, low - 1), order_cdf(n, m, m + 1 - k2, n + 1 - high)  # the order turned round
    both = 0.0
    if below > 0 and above > 0 and k2 > k1:
        first, second = low + k1 - 2, high + k2 - 1
        j = np.arange(k1, min(k2, m + 1))
        inner = stats.hypergeom(n + m, m, first).pmf(j)
        both = float((inner * stats.hypergeom(n + m - first, m - j, second - first).cdf(k2 - 1 - j)).sum())
    return min(max(1.0 - below - above + both, 0.0), 1.0)


def band_ranks(n, m, k1, k2, q1, q2, level):
    """Return ranks (low, high), grown from those of the quantiles step by step, whose band reaches the level."""

    def ranks(t):
        return max(round(q1 * n) - t + 1, 1), min(round(q2 * n) + t, n + 1)

    short, enough = -1, n + 1
    while enough - short > 1:
        middle = (short + enough) // 2
        if band_level(n, m, k1, k2, *ranks(middle)) >= float(level) + MARGIN:
            enough = middle
        else:
            short = middle
    return ranks(enough)


def exceedance_bound(n, m, n_exceeding, level):
    """Return the least b with P(R_(m - b) <= n - n_exceeding) >= level; m if there is none."""
    low, high = -1, m
    while high - low > 1:
        middle = (low + high) // 2
        if decide(n, m, m - middle, n - n_exceeding, level):
            high = middle
        else:
            low = middle
    return high
