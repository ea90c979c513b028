"""Gaps between the shares of two candidates by each judge, their simultaneous limits, and chains of such gaps."""

import numpy as np
from scipy import sparse

from uq._base.bounds import clopper_pearson_lower, clopper_pearson_upper

__all__ = ["chained", "share_counts", "share_gaps"]

# of the error of one end: for which of the two wins where they differ, and for how often they differ (both ends)
_DIRECTION, _DISCORDANT = 0.75, 0.125


def share_counts(table, code):
    """Return the votes for the upper level and all votes, (candidate, judge)."""
    shape = (len(table.candidates), len(table.judges))
    cell = table.candidate * shape[1] + table.judge
    total = np.bincount(cell, table.count, shape[0] * shape[1])
    good = np.bincount(cell, table.count * code, shape[0] * shape[1])
    return good.reshape(shape), total.reshape(shape)


def share_gaps(table, code, alpha):
    """Return differences of shares (judge, candidate, candidate), row less column, and their simultaneous ends.

    Where a judge did not vote on both they are 0, and stay so.
    """
    good, total = share_counts(table, code)
    voted = (total > 0).T
    both = voted[:, :, None] & voted[:, None, :]
    k = len(good)
    both[:, np.arange(k), np.arange(k)] = False
    # per end: both directions of a pair are the two ends of one interval
    alpha = alpha / max(both.sum(), 1)
    # rows that stand for several items do not say which item of one candidate is which of the other
    paired = table.item is not None and bool((table.count == 1).all())
    estimate, lower = np.zeros(both.shape), np.zeros(both.shape)
    for judge, (x, n) in enumerate(zip(good.T, total.T, strict=True)):
        low, high = clopper_pearson_lower(x, n, alpha / 2), clopper_pearson_upper(x, n, alpha / 2)
        with np.errstate(invalid="ignore"):
            share = x / n
        gap, end = share[:, None] - share, low[:, None] - high
        if paired:
            only, common = _discordant(table, code, judge)
            use = (common > 0) & (2 * common >= np.minimum(n[:, None], n))
            some = np.where(use, common, 1.0)
            gap = np.where(use, (only - only.T) / some, gap)
            end = np.where(use, _paired_end(only, only.T, some, alpha), end)
        estimate[judge], lower[judge] = np.where(both[judge], gap, 0.0), np.where(both[judge], end, 0.0)
    return estimate, lower, -lower.swapaxes(1, 2)


def _discordant(table, code, judge):
    """Return on how many items the row's candidate alone has the upper level, and how many items both have votes on."""
    rows = table.judge == judge
    at = (table.item[rows], table.candidate[rows])
    shape = (len(table.items), len(table.candidates))
    seen = sparse.csr_array((np.ones(rows.sum()), at), shape=shape)
    upper = sparse.csr_array((code[rows].astype(float), at), shape=shape)
    both = (upper.T @ upper).toarray()
    return (upper.T @ seen).toarray() - both, (seen.T @ seen).toarray()


def _paired_end(wins, losses, n, alpha):
    """Return a lower limit of (wins - losses) / n in expectation; it errs with probability at most alpha."""
    differ = wins + losses
    lead = 2 * clopper_pearson_lower(wins, differ, _DIRECTION * alpha) - 1
    rare = clopper_pearson_lower(differ, n, _DISCORDANT * alpha)
    often = clopper_pearson_upper(differ, n, _DISCORDANT * alpha)
    return lead * np.where(lead > 0, rare, often)


def chained(strength):
    """Return the strength of the strongest chain from row to column, a chain being as strong as its weakest link."""
    strength = strength.copy()
    for middle in range(len(strength)):
        np.maximum(strength, np.minimum(strength[:, middle, None], strength[middle]), out=strength)
    np.fill_diagonal(strength, 0.0)
    return strength
