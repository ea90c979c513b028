"""Risk among the accepted when the least confident answers are left out: sums over blocks of equal confidence.

Nothing is validated here. A block is (weight, loss): so many rows, with so much loss altogether, whose order is a
matter of chance. The most confident block comes first.
"""

import numpy as np
from scipy import special

from uq._base.validation import is_binary

from ._isotone import tie_sums

__all__ = ["area", "as_counts", "best_blocks", "cluster_errors", "tied_blocks"]


def as_counts(weights):
    """Return weights that count rows: those that sum to less than one per row only say how rows compare."""
    if weights is None:
        return None
    rows, total = np.count_nonzero(weights), weights.sum()
    return weights * (rows / total) if total < rows else weights


def tied_blocks(confidence, loss, weights, ties):
    """Return confidence, weight and loss of each block; "best" and "worst" order the rows within a tie."""
    if ties != "average" and not is_binary(loss):
        return _split_by_loss(confidence, loss, weights, ties)
    unique, sums, totals = (array[::-1] for array in tie_sums(confidence, loss, weights))
    if ties == "average":
        return unique, totals, sums
    # right answers and wrong ones of a tie, one after the other
    pair = (totals - sums, sums) if ties == "best" else (sums, totals - sums)
    wrong = np.zeros_like(sums), sums
    wrong = wrong if ties == "best" else wrong[::-1]
    size, loss = np.column_stack(pair).reshape(-1), np.column_stack(wrong).reshape(-1)
    held = size > 0
    return np.repeat(unique, 2)[held], size[held], loss[held]


def _split_by_loss(confidence, loss, weights, ties):
    weights = np.ones(len(loss)) if weights is None else weights
    order = np.lexsort((loss if ties == "best" else -loss, -confidence))
    order = order[weights[order] > 0]
    confidence, loss, weights = confidence[order], loss[order], weights[order]
    changes = (confidence[1:] != confidence[:-1]) | (loss[1:] != loss[:-1])
    starts = np.flatnonzero(np.concatenate([[True], changes]))
    return confidence[starts], np.add.reduceat(weights, starts), np.add.reduceat(weights * loss, starts)


def best_blocks(loss, weights):
    """Return the blocks of an oracle, which is the more confident the smaller the loss."""
    return tied_blocks(-loss, loss, weights, "average")[1:]


def area(size, loss, kind):
    """Return the mean over the rows of the risk ("aurc") or of the share of errors so far ("generalized").

    Among the first j of m tied rows with loss w an expected j w / m stands, so that a block adds the sum over
    j = 1 ... m of (e + j w / m) / (n + j), where n rows with loss e came before.
    """
    rows, errors = np.cumsum(size), np.cumsum(loss)
    before, errors_before = rows - size, errors - loss
    total = rows[-1]
    if kind == "generalized":
        return float((size * errors_before + loss * (size + 1) / 2).sum() / total / total)
    slope = loss / size
    return float((loss + (errors_before - before * slope) * _harmonic(before, size)).sum() / total)


def _harmonic(n, m):
    """Return the sum of 1 / (n + j) over j = 1 ... m, continued to fractions by the digamma function."""
    x = n + 1
    sums = 1 / x  # where m is 1
    near, far = (m != 1) & (x < 100), (m != 1) & (x >= 100)
    sums[near] = special.digamma(x[near] + m[near]) - special.digamma(x[near])
    x, m = x[far], m[far]
    end = x + m
    # the differences of the asymptotic series, term by term, lest large logarithms cancel
    sums[far] = np.log1p(m / x) + m / (2 * x * end) + (x**-2 - end**-2) / 12 - (x**-4 - end**-4) / 120
    return sums


def cluster_errors(confidence, loss, weights, codes):
    """Return, per distinct confidence (largest first), the standard error of the risk and the number of clusters.

    The clusters' sums of weight N and of loss E grow row by row, and with them the sums over clusters of E^2, E N and
    N^2, from which the residuals E - risk N of every threshold follow at once.
    """
    weights = np.ones(len(loss)) if weights is None else weights
    order = np.argsort(-confidence, kind="stable")
    order = order[weights[order] > 0]
    confidence, n, g = confidence[order], weights[order], codes[order]
    e = n * loss[order]
    by_group = np.argsort(g, kind="stable")
    first = np.zeros(len(g), bool)
    first[by_group[np.concatenate([[True], g[by_group][1:] != g[by_group][:-1]])]] = True
    n_before, e_before = (_sums_before(v, by_group, first) for v in (n, e))
    ends = np.flatnonzero(np.concatenate([confidence[1:] != confidence[:-1], [True]]))
    total, errors = np.cumsum(n)[ends], np.cumsum(e)[ends]
    ee = np.cumsum(e * (2 * e_before + e))[ends]
    en = np.cumsum(e_before * n + n_before * e + e * n)[ends]
    nn = np.cumsum(n * (2 * n_before + n))[ends]
    risk = errors / total
    square = ee - 2 * risk * en + risk**2 * nn
    square = np.where(square > 1e-12 * (ee + risk**2 * nn), square, 0.0)  # rounding is no variation
    groups = np.cumsum(first)[ends]
    return np.sqrt(groups / np.maximum(groups - 1, 1) * square) / total, groups


def _sums_before(values, by_group, first):
    """Return, for each row, the sum of `values` over earlier rows of its group."""
    grouped = values[by_group]
    before = np.cumsum(grouped) - grouped
    starts = first[by_group]
    out = np.empty_like(values)
    out[by_group] = before - before[np.flatnonzero(starts)][np.cumsum(starts) - 1]
    return out
