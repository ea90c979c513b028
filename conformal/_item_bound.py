"""The greatest sum_j c_j S_(r_j) with sum r_j <= q when the rows count differently: bounded through its Lagrangian.

For every multiplier lam >= 0 and any ranks that are allowed,

    sum_j c_j S_(r_j) <= lam q + sum_j max_r (c_j S_(r) - lam r),

so that the least value found is a bound however well it was searched for. The inner maximum is attained at a corner of
the least concave majorant of rank -> S_(rank), the one where its slope falls below lam / c_j.
"""

import numpy as np

__all__ = ["item_bound"]

STEPS = 100


def item_bound(scores, coefficients, q):
    """Return the bound.

    Parameters
    ----------
    scores : ndarray of shape (k,)
        Sorted and finite: S_(1) ... S_(k).
    coefficients : ndarray of shape (m,)
        Non-negative.
    q : int
        At least m.
    """
    c = coefficients[coefficients > 0]
    idle = len(coefficients) - len(c)  # rows that count nothing take rank 1
    if not len(c):
        return 0.0
    q = min(q - idle, len(c) * len(scores))
    corners = _corners(scores)
    ranks, heights = corners + 1.0, scores[corners]
    slopes = np.diff(heights) / np.diff(ranks)  # falling

    def at(lam):
        """Return the bound at this multiplier, and the sum of the ranks where it is attained."""
        best = np.searchsorted(-slopes, -lam / c, side="left")
        return lam * q + float((c * heights[best] - lam * ranks[best]).sum()), ranks[best].sum()

    low, high = 0.0, float(c.max() * slopes[0]) if len(slopes) else 0.0
    found = min(at(low)[0], at(high)[0])
    for _ in range(STEPS):
        lam = 0.5 * (low + high)
        if not low < lam < high:
            break
        value, used = at(lam)
        found = min(found, value)
        if used > q:  # the convex function still falls
            low = lam
        else:
            high = lam
    return found + 64 * 2.0**-53 * (abs(found) + high * q)


def _corners(scores):
    """Return the indices of the corners of the least concave majorant: the point farthest above a chord is one."""
    corners, stack = [0], [(0, len(scores) - 1)]
    while stack:
        a, b = stack.pop()
        if b - a > 1:
            rise = scores[a + 1 : b] - scores[a]
            above = rise - (scores[b] - scores[a]) * (np.arange(1, b - a) / (b - a))
            i = int(above.argmax())
            if above[i] > 0:
                stack += [(a + 1 + i, b), (a, a + 1 + i)]
                continue
        if b > a:
            corners.append(b)
    return np.array(corners)
