"""Ranks of draws, ties included: the arithmetic behind `RankSummary`. Pure functions on (n_draws, n_candidates) arrays.

Larger is better everywhere here; nothing is validated.
"""

import numpy as np
from scipy import stats

__all__ = [
    "expected_ranks",
    "rank_probabilities",
    "rank_quantiles",
    "simultaneous_signs",
    "tied_positions",
    "win_matrix",
]

_BLOCK = 1 << 20  # numbers per block: a few arrays of 8 MB at a time
# a spread below these shares of the values is rounding, not variation: of what they are less what all have in common,
# as sums of them are rounded, and of what they are, as they are stored
_NO_SPREAD, _STORED = 1e-12, 32 * np.finfo(float).eps


def _blocks(samples):
    step = max(1, _BLOCK // samples.shape[1])
    for start in range(0, len(samples), step):
        yield slice(start, start + step)


def tied_positions(samples):
    """Return the first and the last rank (1 is best) of the tie that each value stands in, as int32 arrays."""
    first = np.empty(samples.shape, np.int32)
    last = np.empty(samples.shape, np.int32)
    n_candidates = samples.shape[1]
    position = np.arange(1, n_candidates + 1, dtype=np.int32)
    for rows in _blocks(samples):
        block = samples[rows]
        order = np.argsort(-block, axis=1, kind="stable")
        values = np.take_along_axis(block, order, axis=1)
        starts = np.ones(block.shape, bool)
        starts[:, 1:] = values[:, 1:] != values[:, :-1]
        ends = np.ones(block.shape, bool)
        ends[:, :-1] = starts[:, 1:]
        low = np.maximum.accumulate(np.where(starts, position, 0), axis=1)
        high = np.where(ends, position, n_candidates + 1)[:, ::-1]
        high = np.minimum.accumulate(high, axis=1)[:, ::-1]
        np.put_along_axis(first[rows], order, low.astype(np.int32), axis=1)
        np.put_along_axis(last[rows], order, high.astype(np.int32), axis=1)
    return first, last


def rank_probabilities(first, last):
    """Return (candidate, rank) shares of the draws; a tie gives each of its ranks the same share."""
    n_draws, k = first.shape
    total = np.zeros((k, k))
    candidate = np.broadcast_to(np.arange(k), first.shape)
    size = last - first + 1
    for s in np.unique(size):
        tied = size == s
        row = candidate[tied] * (k + 1)
        steps = np.bincount(row + first[tied] - 1, minlength=k * (k + 1))
        steps -= np.bincount(row + last[tied], minlength=k * (k + 1))
        # integers until here, so that what is impossible is exactly 0
        total += np.cumsum(steps.reshape(k, k + 1), axis=1)[:, :k] / s
    return total / n_draws


def expected_ranks(first, last):
    """Return the mean mid-rank of each candidate."""
    return (first.mean(axis=0, dtype=np.float64) + last.mean(axis=0, dtype=np.float64)) / 2


def win_matrix(samples):
    """Return the shares of draws in which the row's candidate beats the column's; ties and the diagonal count 1/2."""
    n_draws, k = samples.shape
    twice = np.zeros((k, k), np.int64)
    for rows in _blocks(samples):
        columns = np.ascontiguousarray(samples[rows].T)
        for i in range(k - 1):
            above = np.count_nonzero(columns[i] > columns[i + 1 :], axis=1)
            below = np.count_nonzero(columns[i] < columns[i + 1 :], axis=1)
            twice[i, i + 1 :] += columns.shape[1] + above - below
    win = twice / (2 * n_draws)
    win += np.where(np.tri(k, dtype=bool), 1 - win.T, 0)
    np.fill_diagonal(win, 0.5)
    return win


def rank_quantiles(first, last, level):
    """Return equal-tailed rank intervals that hold at least `level` of the draws, each end taken outwards in a tie."""
    tail = (1 - level) / 2
    lower = np.quantile(first, tail, axis=0, method="lower")
    upper = np.quantile(last, 1 - tail, axis=0, method="higher")
    return lower.astype(np.int64), upper.astype(np.int64)


def simultaneous_signs(samples, center, level, df=np.inf):
    """Compare all pairs at once by the studentised maximal difference of the draws from their center.

    Returns
    -------
    signs : ndarray of shape (k, k)
        1 where the row's candidate is better than the column's at the simultaneous level, -1 where worse, else 0.
    unvaried : ndarray of bool of shape (k, k)
        Pairs that differ, by the same amount in every draw: there is no spread to compare the difference with.
    critical : float
        What |difference| / spread is compared with; infinite where the draws are too few for the level.
    """
    n_draws, k = samples.shape
    if df <= 0:
        return np.zeros((k, k), np.int8), np.zeros((k, k), bool), np.inf
    scale = 2.0 ** np.frexp(np.abs(samples).max())[1]
    if not 1e-100 < scale < 1e100:  # squares of tiny or huge draws must not be lost
        samples, center = samples / scale, center / scale
    spread = np.zeros((k, k))
    columns = np.ascontiguousarray((samples - center).T)
    common = center.mean()
    rounding = _NO_SPREAD * np.abs(samples - common).max(axis=0)
    rounding = np.maximum(rounding, _STORED * np.abs(samples).max(axis=0))
    largest = np.zeros(n_draws)
    for i in range(k - 1):
        difference = columns[i] - columns[i + 1 :]
        sd = difference.std(axis=1)
        sd[sd <= np.maximum(rounding[i], rounding[i + 1 :])] = 0.0
        spread[i, i + 1 :] = spread[i + 1 :, i] = sd
        varied = sd > 0
        if varied.any():
            difference = np.abs(difference[varied]) / sd[varied, None]
            np.maximum(largest, difference.max(axis=0), out=largest)
    critical = _student(_upper_quantile(largest, level), df)
    gap = center[:, None] - center
    # the sum of squares of resampled rows is short of the unbiased one by this factor
    spread *= np.sqrt(1 + 1 / df)
    unvaried = (spread == 0) & (np.abs(gap) > np.maximum(rounding, rounding[:, None]))
    with np.errstate(invalid="ignore"):
        settled = (spread > 0) & (np.abs(gap) > critical * spread)
    return np.where(settled, np.sign(gap), 0).astype(np.int8), unvaried, critical


def _upper_quantile(values, level):
    """Return the order statistic that a further draw exceeds with probability at most 1 - level."""
    position = int(np.ceil(level * (len(values) + 1) - 1e-9))
    return np.inf if position > len(values) else float(np.partition(values, position - 1)[position - 1])


def _student(critical, df):
    """Turn a critical value of the normal law into that of Student's t with the same tail."""
    if df == np.inf or not np.isfinite(critical):
        return critical
    return float(stats.t.isf(stats.norm.sf(critical), df))
