"""Every threshold that decides differently, judged at once from counts. Nothing is validated here."""

import numpy as np

from ._isotone import tie_sums

__all__ = ["COUNTED", "best_plateau", "middle", "sweep_callable", "sweep_counts"]

SAME = 1e-12  # values this close are equal but for rounding


def _f1(tp, fp, fn, tn):
    return 2 * tp / np.maximum(2 * tp + fp + fn, np.finfo(float).tiny)


def _accuracy(tp, fp, fn, tn):
    return (tp + tn) / (tp + fp + fn + tn)


def _balanced_accuracy(tp, fp, fn, tn):
    rates = [part / np.maximum(part + rest, np.finfo(float).tiny) for part, rest in ((tp, fn), (tn, fp))]
    return (rates[0] + rates[1]) / 2


COUNTED = {"accuracy": _accuracy, "balanced_accuracy": _balanced_accuracy, "f1": _f1}


def sweep_counts(scores, y, weights, metric):
    """Return the distinct scores, sorted, and the metric of "y = 1 from score k on" for k = 0 ... K (none at all)."""
    unique, right, total = tie_sums(scores, y, weights)
    # from the top down: what lies at or above each score
    tp = np.concatenate([np.cumsum(right[::-1])[::-1], [0.0]])
    positive = np.concatenate([np.cumsum(total[::-1])[::-1], [0.0]])
    fp = positive - tp
    return unique, COUNTED[metric](tp, fp, tp[0] - tp, fp[0] - fp)


def sweep_callable(scores, y, weights, evaluate):
    """Return what `sweep_counts` returns, one call of the metric per distinct score."""
    kept = slice(None) if weights is None else weights > 0
    unique = np.unique(scores[kept])
    cuts = np.concatenate([unique, [np.inf]])
    return unique, np.array([evaluate(y, (scores >= cut).astype(np.int64), weights) for cut in cuts])


def best_plateau(unique, values):
    """Return (low, high]: the widest interval of thresholds whose metric is the largest, the highest of equal ones.

    A threshold in (score k - 1, score k] says 1 from score k on.
    """
    best = values >= values.max() - SAME * max(abs(values.max()), 1.0)
    low = np.concatenate([[-np.inf], unique])
    high = np.concatenate([unique, [np.inf]])
    edges = np.diff(np.concatenate([[False], best, [False]]).astype(np.int8))
    first, last = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1) - 1
    width = high[last] - low[first]
    # a plateau without an end is a last resort: nothing was seen out there
    width = np.where(np.isinf(width), -1.0, width)
    widest = np.flatnonzero(width >= width.max() * (1 - SAME))[-1] if width.max() > 0 else len(width) - 1
    return float(low[first[widest]]), float(high[last[widest]])


def middle(low, high):
    """Return the midpoint of (low, high], which decides like `high`; infinite where an end is."""
    if np.isinf(low) or np.isinf(high):
        return low if np.isinf(low) else high
    point = low + (high - low) / 2
    return point if low < point <= high else high
