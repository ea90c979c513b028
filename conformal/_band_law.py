"""Two sorted positions at once, and how many test scores lie beyond a line."""

import numpy as np

from ._order_law import decide, order_cdf, tails, window_law

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
        both = _both(n, m, k1, k2, low + k1 - 2, high + k2 - 1)
    return min(max(1.0 - below - above + both, 0.0), 1.0)


def _both(n, m, k1, k2, first, second):
    """Return P(X >= k1 and Y < k2), X and Y the numbers of test points among the `first` and `second` lowest.

    With X = j, Y - j is hypergeometric, and A_j = P(Y < k2 | X = j) obeys a recurrence: turn one of the m - j test
    points that are left into a calibration point, and A_j - A_(j+1) = P(Y = k2 - 1 | X = j) (m + 1 - k2) / (m - j).
    What lies beyond the window of X (10^-30 at most) is left out, which makes the level smaller.
    """
    start, law = window_law(n, m, first)
    law = law[max(k1 - start, 0) : k2 - start]
    start, c, s = max(k1, start), k2 - 1, second - first
    if not len(law):
        return 0.0
    j = np.arange(start, start + len(law), dtype=np.float64)
    # P(Y = c | X = j), by ratios from the j where c is what is expected
    spare = max(n + m - first - s, 1)
    anchor = int(min(max(round((c * (n + m - first) - m * s) / spare), start), start + len(law) - 1))
    begin, inner = window_law(n - first + anchor, m - anchor, s)
    inside = 0 <= c - anchor - begin < len(inner)
    at_anchor = inner[c - anchor - begin] if inside else 0.0
    a = anchor - start
    up, down = j[a:-1], j[1 : a + 1]
    bottom = (m - up) * (s - c + up + 1)
    rise = np.divide((c - up) * (n - first + up + 1), bottom, out=np.zeros_like(up), where=bottom > 0)
    bottom = (c - down + 1) * (n - first + down)
    fall = np.divide((m - down + 1) * (s - c + down), bottom, out=np.zeros_like(down), where=bottom > 0)
    at = at_anchor * np.concatenate([np.cumprod(fall[::-1])[::-1], [1.0], np.cumprod(rise)])
    last = start + len(law) - 1
    at_last = tails(n - first + last, m - last, c - last + 1, s - c + last)[1]
    lost = at[:-1] * (m - c) / (m - j[:-1])
    below_k2 = at_last + np.append(np.cumsum(lost[::-1])[::-1], 0.0)
    return float((law * below_k2).sum())


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
