"""Bounds of a mean from the sorted scores: the least concave majorant, and the naive program for weighted ranks."""

import numpy as np

__all__ = ["best_weighted_sum", "concave_bound"]


def concave_bound(scores, m, q):
    """Return an upper bound of the mean of m sorted scores with rank sum at most q, in a few passes over the scores.

    The least concave majorant of rank -> score, at the mean rank q/m: by Jensen's inequality no mean exceeds it. It is
    less than one jump between neighbouring corners of the hull, over m, above the best mean.
    """
    x = min(q / m, len(scores)) - 1
    if m == 1:  # there is nothing to mix
        return float(scores[int(x)])
    a, c = 0, len(scores) - 1
    while c - a > 1:  # the point highest above the chord is a corner, on one side of x
        above = scores[a : c + 1] - np.interp(np.arange(a, c + 1), [a, c], scores[[a, c]])
        corner = a + 1 + int(above[1:-1].argmax())
        if above[corner - a] <= 0:
            break
        if corner <= x:
            a = corner
        else:
            c = corner
    return float(np.interp(x, [a, c], scores[[a, c]]))


def best_weighted_sum(scores, weights, m, q):
    """Return max sum of m sorted scores whose weights sum to at most q: the naive program, m times over all weights.

    Parameters
    ----------
    scores : ndarray of shape (k,)
    weights : ndarray of int, shape (k,)
        Non-decreasing.
    m, q : int
        ``m * weights[0] <= q``.
    """
    least = weights[0]
    room = min(q - m * least, m * (weights[-1] - least))
    last = np.append(np.flatnonzero(np.diff(weights)), len(weights) - 1)  # the greatest score of each weight
    best = np.zeros(room + 1)
    for _ in range(m):
        new = best + scores[last[0]]
        for i in last[1:]:
            w = weights[i] - least
            if w <= room:
                np.maximum(new[w:], best[: room + 1 - w] + scores[i], out=new[w:])
        best = new
    return float(best[-1])
