"""Bands of a calibration curve: an honest one in closed form, and replicates of the cells for the resampled ones."""

import numpy as np
from scipy import sparse
from scipy.special import rel_entr

from uq._base.bounds import clopper_pearson_upper

__all__ = [
    "cluster_replicates",
    "honest_band",
    "merge",
    "null_replicates",
    "order_limits",
    "rank_starts",
    "row_replicates",
    "weighted_null_replicates",
]

_BLOCK = 1 << 21  # numbers that a block of replicates may hold


def merge(starts, *columns):
    """Return the sums of the columns over the runs that begin at `starts`."""
    return tuple(np.add.reduceat(column, starts) for column in columns)


def rank_starts(totals, most):
    """Return where at most `most` runs of nearly equal weight begin: chosen by forecasts and weights alone."""
    middle = np.cumsum(totals) - totals / 2
    label = np.floor(middle / totals.sum() * most)
    return np.flatnonzero(np.concatenate([[True], label[1:] != label[:-1]]))


def honest_band(sums, totals, alpha):
    """Return (lower, upper) for a non-decreasing probability at every cell, simultaneously at level 1 - alpha.

    For every run of cells the outcomes are at most as likely as in its last cell and at least as in its first, so the
    Clopper-Pearson bound of the run holds for that cell whatever happens within; all runs share alpha.
    """
    delta = alpha / (len(sums) * (len(sums) + 1))
    upper = _upper(sums, totals, delta)
    lower = 1 - _upper((totals - sums)[::-1], totals[::-1], delta)[::-1]
    return lower, upper


def _upper(sums, totals, delta):
    """Return the smallest bound among the runs that begin at a cell or after it."""
    hits, trials = (np.concatenate([[0.0], np.cumsum(column)]) for column in (sums, totals))
    out, best = np.empty(len(sums)), 1.0
    for j in range(len(sums) - 1, -1, -1):
        s, m = hits[j + 1 :] - hits[j], trials[j + 1 :] - trials[j]
        hopeful, evidence = _may_be_below(s, m, best, delta)
        if hopeful.size:
            first = hopeful[evidence.argmax()]
            best = min(best, clopper_pearson_upper(s[first], m[first], delta))
            left, _ = _may_be_below(s[hopeful], m[hopeful], best, delta)
            left = hopeful[left]
            if left.size:
                best = min(best, clopper_pearson_upper(s[left], m[left], delta).min())
        out[j] = best
    return out


def _may_be_below(s, m, best, delta):
    """Return the runs whose bound may be below `best`, and how strongly they speak against it.

    The others are told by a bound on the binomial probability (Ash 1965, lemma 4.7.1), at the price of two logarithms.
    """
    q = s / m
    evidence = m * (rel_entr(q, best) + rel_entr(1 - q, 1 - best)) + 0.5 * np.log(np.maximum(8 * s * (1 - q), 1.0))
    hopeful = np.flatnonzero((q < best) & (evidence > -np.log(delta)))
    return hopeful, evidence[hopeful]


def null_replicates(p, totals, n_resamples, rng):
    """Yield blocks of (sums, totals) with outcomes drawn from the forecasts p; `totals` are counts."""
    counts = totals.astype(np.int64)
    for size in _sizes(n_resamples, len(p)):
        yield rng.binomial(counts, p, size=(size, len(p))).astype(np.float64), np.broadcast_to(totals, (size, len(p)))


def row_replicates(sums, totals, n_resamples, rng):
    """Yield blocks of (sums, totals) with as many rows drawn with replacement; `sums` and `totals` are counts."""
    n, shares = int(totals.sum()), np.concatenate([sums, totals - sums]) / totals.sum()
    shares /= shares.sum()
    for size in _sizes(n_resamples, 2 * len(sums)):
        drawn = rng.multinomial(n, shares, size=size).astype(np.float64)
        hits = drawn[:, : len(sums)]
        yield hits, hits + drawn[:, len(sums) :]


def cluster_replicates(cells, n_cells, y, weights, units, n_resamples, rng):
    """Yield blocks of (sums, totals) with whole units (clusters, or rows with their weights) drawn with replacement."""
    n_units = int(units.max()) + 1
    hits, mass = (
        sparse.csr_matrix((column, (cells, units)), shape=(n_cells, n_units)) for column in (weights * y, weights)
    )
    for size in _sizes(n_resamples, n_units + n_cells):
        drawn = rng.integers(0, n_units, size=(size, n_units)) + n_units * np.arange(size)[:, None]
        times = np.bincount(drawn.reshape(-1), minlength=size * n_units).reshape(size, n_units).T.astype(np.float64)
        yield (hits @ times).T, (mass @ times).T


def weighted_null_replicates(cells, n_cells, p, weights, n_resamples, rng):
    """Yield blocks of (sums, totals) with the outcome of every row drawn from its forecast."""
    totals = np.bincount(cells, weights, n_cells)
    for size in _sizes(n_resamples, len(p)):
        sums = np.stack([np.bincount(cells, weights * (rng.random(len(p)) < p), n_cells) for _ in range(size)])
        yield sums, np.broadcast_to(totals, sums.shape)


def _sizes(n_resamples, width):
    step = max(1, _BLOCK // width)
    return [min(step, n_resamples - start) for start in range(0, n_resamples, step)]


def order_limits(draws, confidence_level):
    """Return the order statistics between which one more draw falls with this probability; NaN counts as both ends.

    Where there are too few draws for the level the limits are 0 and 1.
    """
    n = len(draws)
    k = int(np.floor((n + 1) * (1 - confidence_level) / 2 * (1 + 1e-12)))
    if k == 0:
        return np.zeros(draws.shape[1]), np.ones(draws.shape[1])
    missing = np.isnan(draws)
    lower = np.partition(np.where(missing, 0.0, draws), k - 1, axis=0)[k - 1]
    upper = np.partition(np.where(missing, 1.0, draws), n - k, axis=0)[n - k]
    return lower, upper
