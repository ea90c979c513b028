"""Which bin a probability falls into: fixed edges that literals stand on, or bins of equal weight that keep ties whole.

`np.arange(B + 1) / B` is rounded correctly, so that the edge .3 is the literal .3, which that of `linspace` is not.
"""

from functools import lru_cache

import numpy as np

__all__ = ["BLOCK", "auto_bins", "quantile_bins", "uniform_bins", "uniform_edges"]

BLOCK = 2**14  # values whose temporaries stay in the cache


def uniform_edges(n_bins):
    """Return the n_bins + 1 edges of equal bins of [0, 1], each the number that its decimal literal gives."""
    return np.arange(n_bins + 1) / n_bins


@lru_cache(maxsize=32)
def _table(n_bins):
    """Return break points, the bin above each, and how far from k / n_bins the breaks of edge k can lie.

    .7 in single or half precision is not .7 in double precision, yet stands on the same edge. No number of the lower
    precision lies between the edge and its rounding, so that it is enough to lift the rounded edge itself: the answer
    is that of a comparison in the data's own precision, whatever container or wider type they come in.
    """
    edges = uniform_edges(n_bins)
    breaks, above = [0.0], [0]
    for k in range(1, n_bins):
        for kind in (np.float16, np.float32):
            rounded = float(kind(edges[k]))
            if edges[k - 1] < rounded < edges[k]:
                breaks += [rounded, np.nextafter(rounded, 1)]
                above += [k, k - 1]
        breaks.append(edges[k])
        above.append(k)
    order = np.lexsort((above, breaks))
    # half precision has 11 bits: an edge moves by less than 2^-12
    return np.array(breaks)[order], np.array(above, dtype=np.intp)[order], n_bins * 2.0**-12 + 1e-9


def uniform_bins(p, n_bins):
    """Return the bin of each value of a float64 array in [0, 1]: an edge goes up, 1 into the last bin."""
    breaks, above, margin = _table(n_bins)
    if margin >= 0.25:
        return above[np.searchsorted(breaks, p, side="right") - 1]
    scaled = p * n_bins
    bins = scaled.astype(np.int32).astype(np.intp)  # by way of the short integers, whose conversion is vectorised
    scaled -= np.rint(scaled)
    # so close to a whole number it may be an edge and rounding: the table decides
    close = np.flatnonzero(np.abs(scaled, out=scaled) <= margin)
    if close.size:
        bins.reshape(-1)[close] = above[np.searchsorted(breaks, p.reshape(-1)[close], side="right") - 1]
    return bins


def auto_bins(n):
    """Return the cube root of n, rounded up."""
    root = max(1, round(n ** (1 / 3)) - 1)
    while root**3 < n:
        root += 1
    return root


def quantile_bins(p, n_bins, weights=None):
    """Return the bin of each value of a vector: bins of nearly equal weight, equal values always in one of them.

    Values that are equal share the middle of their ranks, and a bin is one of `n_bins` equal ranges of ranks; under
    heavy ties some bins stay empty.
    """
    if weights is None or (weights == weights[0]).all():
        values = np.sort(p)
        below = np.arange(len(p) + 1)
    else:
        order = np.argsort(p, kind="stable")
        values = p[order]
        below = np.concatenate([[0.0], np.cumsum(weights[order])])
    ranks = np.arange(1, n_bins) * below[-1]  # n_bins times the rank at which each bin begins
    at = np.minimum(np.searchsorted(below * n_bins, ranks, side="right") - 1, len(p) - 1)
    first, after = np.searchsorted(values, values[at], "left"), np.searchsorted(values, values[at], "right")
    upwards = (below[first] + below[after]) * n_bins >= 2 * ranks
    following = np.append(values, np.inf)[after]
    return np.searchsorted(np.where(upwards, values[at], following), p, side="right")
