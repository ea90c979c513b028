"""Bands of curves that are ratios of means over problems: the bootstrap over problems or clusters, column by column."""

import numpy as np

from uq._base.groups import cluster_sums
from uq._base.resampling import acceleration, resample_sums
from uq._evaluation._bca import bca_law

__all__ = ["ratio_bands"]

_CELLS = 1 << 23  # resampled sums held at a time
_BLOCK = 1 << 17  # ratios without one unit at a time


def ratio_bands(columns, ratios, codes, *, level, n_resamples, rng, n_jobs):
    """Return (lower, upper), each (k,), of every ratio of sums over rows, all from the same resamples.

    Parameters
    ----------
    columns : list of ndarray of shape (n, k)
    ratios : list of (int, int or None, support)
        Places in `columns` of what stands above and below; None is the number of rows. The ends stay within `support`,
        (low, high) with entries that broadcast to (k,): what the ratio can be. Entries that do not vary say nothing,
        and have all of it.
    codes : ndarray of int of shape (n,) or None
        Clusters.
    """
    n, k = columns[0].shape
    bands = [tuple(np.array(np.broadcast_to(np.asarray(end, float), (k,))) for end in ratio[2]) for ratio in ratios]
    seed = np.random.default_rng(rng.integers(0, 2**63)).integers(0, 2**63)  # twice, so that old seeds give old bands
    step = max(1, _CELLS // (len(columns) * n_resamples))
    for start in range(0, k, step):
        part = slice(start, start + step)
        # one column counts the rows, for all ratios
        table = np.hstack([np.ones((n, 1)), *(column[:, part] for column in columns)])
        sums = resample_sums(
            table,
            n_resamples=n_resamples,
            rng=np.random.default_rng(seed),  # the same resamples for all blocks
            n_jobs=n_jobs,
            groups=codes,
        )
        units = table if codes is None else cluster_sums(table, codes)
        m = min(step, k - start)
        for (top, bottom, _), (lower, upper) in zip(ratios, bands, strict=True):
            above = slice(1 + top * m, 1 + (top + 1) * m)
            below = slice(0, 1) if bottom is None else slice(1 + bottom * m, 1 + (bottom + 1) * m)
            _cut(lower[part], upper[part], sums[:, above], sums[:, below], units[:, above], units[:, below], level)
    return bands


def _cut(lower, upper, tops, bottoms, a, b, level):
    """Narrow the ends, in place, to the bootstrap's; a column whose sum below is 0 keeps them."""
    total = a.sum(axis=0), np.broadcast_to(b.sum(axis=0), lower.shape)
    skew = _skewness(a, b, *total)
    for j in np.flatnonzero(total[1] > 0):
        with np.errstate(divide="ignore", invalid="ignore"):
            draws = tops[:, j] / bottoms[:, min(j, bottoms.shape[1] - 1)]
        # sorted draws are put into the law several times faster
        law = bca_law(np.sort(draws), total[0][j] / total[1][j], skew[j])
        ends = law.interval(level, "two-sided")
        low, high = lower[j], upper[j]
        lower[j], upper[j] = min(max(ends[0], low), high), max(min(ends[1], high), low)


def _skewness(a, b, top, bottom):
    """Return the acceleration of each ratio, from those that leave out one unit and are defined."""
    out = np.zeros(len(top))
    step = max(1, _BLOCK // len(a))
    for start in range(0, len(top), step):
        part = slice(start, start + step)
        with np.errstate(divide="ignore", invalid="ignore"):
            left_out = (top[part] - a[:, part]) / (bottom[part] - (b if b.shape[1] == 1 else b[:, part]))
        finite = np.isfinite(left_out)
        if finite.all():
            out[part] = acceleration(left_out)
            continue
        out[part] = [acceleration(column[ok]) for column, ok in zip(left_out.T, finite.T, strict=True)]
    return out
