"""The greatest sum of m calibration scores whose ranks sum to at most q: exact, in O(n^2 log m).

With f_a(x) the best sum of exactly a scores whose ranks sum to x,

    f_2a(x) = max_u f_a(u) + f_a(x - u),     f_(a+1)(x) = max_r f_a(x - r) + S_(r).

Some best split is balanced, |2u - x| <= n - 1: sort the ranks of an optimum, pair the neighbours, give one of each pair
to each half; the differences within pairs add up to no more than the greatest rank less the smallest. So only a window
of O(n) sums around x/2 is ever needed. Scores are sorted, so that a rank sum below q can be raised to q at no loss.
"""

import numpy as np

__all__ = ["best_sum"]


def best_sum(scores, m, q):
    """Return max sum of m of the sorted `scores` (ranks 1 ... n, repeats allowed) with rank sum at most q.

    Parameters
    ----------
    scores : ndarray of shape (n,)
        Sorted and finite.
    m : int
    q : int
        At least m.
    """
    n = len(scores)
    if n == 1:
        return m * float(scores[0])
    q = min(q, m * n)
    # from m down to 1: which sums are needed of how many scores
    steps, a, low, high = [], m, q, q
    while a > 1:
        steps.append((a, low, high))
        if a % 2:
            a, low, high = a - 1, low - n, high - 1
        else:
            a, low, high = a // 2, (low - n + 1) // 2, (high + n) // 2
        low, high = max(low, a), min(high, a * n)
    best = scores[low - 1 : high]
    for a, next_low, next_high in reversed(steps):
        step = _one_more if a % 2 else _double
        best = step(best, low, scores, next_low, next_high)
        low = next_low
    return float(best[q - low])


def _padded(best, low, first, last):
    """Return the values for the sums first ... last, -inf where there is none."""
    out = np.full(last - first + 1, -np.inf)
    start, stop = max(first, low), min(last, low + len(best) - 1)
    out[start - first : stop - first + 1] = best[start - low : stop - low + 1]
    return out


def _one_more(best, low, scores, next_low, next_high):
    n, size = len(scores), next_high - next_low + 1
    wide = _padded(best, low, next_low - n, next_high - 1)
    out, candidate = np.full(size, -np.inf), np.empty(size)
    for r in range(1, n + 1):
        np.add(wide[n - r : n - r + size], scores[r - 1], out=candidate)
        np.maximum(out, candidate, out=out)
    return out


def _double(best, low, scores, next_low, next_high):
    n = len(scores)
    out = np.empty(next_high - next_low + 1)
    for odd in (0, 1):
        first = next_low + (next_low + odd) % 2  # the least sum of this parity
        size = (next_high - first) // 2 + 1
        if size < 1:
            continue
        half = first // 2
        reach = n // 2 + 1
        wide = _padded(best, low, half - reach, half + size + reach)
        found, candidate = np.full(size, -np.inf), np.empty(size)
        for s in range((n - 1 - odd) // 2 + 1):
            # u = x//2 - s and x - u = x//2 + s, one more for odd x
            np.add(wide[reach - s : reach - s + size], wide[reach + s + odd : reach + s + odd + size], out=candidate)
            np.maximum(found, candidate, out=found)
        out[first - next_low :: 2] = found
    return out
