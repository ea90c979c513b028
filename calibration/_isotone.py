"""Isotonic regression by pool-adjacent-violators, equal scores pooled first; and step functions.

Sorting costs more than everything else together. Forecasts of binary outcomes are sorted with their outcome in the
lowest bit of the key, which moves 8 bytes per row and needs no index; all else takes one argsort.
"""

import numpy as np
from scipy.optimize import isotonic_regression

from uq._base.validation import is_binary

__all__ = ["blocks", "pool", "step", "tie_sums"]


def pool(scores, y, weights=None):
    """Return (unique scores, fitted values, weights of the unique scores): the least squares fit that never decreases.

    Among the functions of the score that do not decrease it minimises every proper score of outcomes y at once.
    Without `weights` the weights are counts. Rows of weight 0 do not take part.
    """
    unique, sums, totals, scale = _tie_sums(scores, y, weights)
    return unique, blocks(sums, totals)[0], totals * scale


def blocks(sums, totals):
    """Return the isotonic fit of means sums / totals with these positive weights, and where its blocks start."""
    edges = isotonic_regression(sums / totals, weights=totals).blocks[:-1]
    # from the sums: counts stay exact, where a running mean would not
    levels = np.maximum.accumulate(np.add.reduceat(sums, edges) / np.add.reduceat(totals, edges))
    return np.repeat(levels, np.diff(edges, append=len(sums))), edges


def tie_sums(scores, y, weights=None):
    """Return the sorted unique scores, and per unique score the sum of y and the weight (the count)."""
    unique, sums, totals, scale = _tie_sums(scores, y, weights)
    return unique, sums * scale, totals * scale


def _tie_sums(scores, y, weights):
    scale = 1.0
    if weights is not None:
        scale = weights.max()
        weights = weights / scale  # so that neither tiny nor huge ones lose digits
        if not weights.all():
            kept = weights > 0
            scores, y, weights = scores[kept], y[kept], weights[kept]
    if weights is None and _fits_a_key(scores, y):
        scores, y = _sort_by_key(scores, y)
    else:
        order = np.argsort(scores)
        scores, y = scores[order] + 0.0, y[order]
        if weights is not None:
            weights = weights[order]
            y = y * weights
    starts = np.flatnonzero(np.concatenate([[True], scores[1:] != scores[:-1]]))
    if weights is None:
        totals = np.diff(starts, append=len(scores)).astype(np.float64)
    else:
        totals = np.add.reduceat(weights, starts)
    if len(starts) < len(scores):
        scores, y = scores[starts], np.add.reduceat(y, starts)
    return scores, y, totals, scale


def _fits_a_key(scores, y):
    return scores.min() >= 0 and scores.max() < 2 and is_binary(y)


def _sort_by_key(scores, y):
    """Sort by the bits of the scores, which order them within [0, 2) and leave the highest two free."""
    key = (scores + 0.0).view(np.int64)  # + 0 makes -0 the 0 that it equals
    key <<= 1
    key |= y.astype(np.int64)
    key.sort()
    y = (key & 1).astype(np.float64)
    key >>= 1
    return key.view(np.float64), y


def step(knots, values, x, *, side="right", outside=None):
    """Evaluate a step function that takes `values` at the sorted `knots`.

    ``side="right"`` (right-continuous) holds the value of the last knot at or below x, ``side="left"`` that of the
    first knot at or above x. Beyond the end where there is no such knot stands `outside`; None continues the end value.
    """
    if side == "right":
        index = np.searchsorted(knots, x, side="right") - 1
        missing = index < 0
    else:
        index = np.searchsorted(knots, x, side="left")
        missing = index == len(knots)
    found = values[np.clip(index, 0, len(knots) - 1)]
    return found if outside is None else np.where(missing, outside, found)
