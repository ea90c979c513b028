"""Bands of curves that are ratios of means over problems: the bootstrap over problems or clusters, column by column."""

import numpy as np

from uq._base.resampling import acceleration, resample_sums
from uq._evaluation._bca import bca_law

__all__ = ["ratio_band"]

_CELLS = 1 << 22  # resampled sums held at a time


def ratio_band(top, bottom, codes, support, *, level, n_resamples, rng, n_jobs):
    """Return (lower, upper), each (k,), of sum(top) / sum(bottom) over rows; both columns have shape (n, k).

    The ends stay within `support`, (low, high) with entries that broadcast to (k,): what the ratio can be. Columns that
    do not vary say nothing, and have all of it.
    """
    k = top.shape[1]
    low, high = (np.broadcast_to(np.asarray(end, float), (k,)) for end in support)
    lower, upper = np.array(low), np.array(high)
    seed = rng.integers(0, 2**63)
    step = max(1, _CELLS // (2 * n_resamples))
    for start in range(0, k, step):
        columns = np.hstack([top[:, start : start + step], bottom[:, start : start + step]])
        sums = resample_sums(
            columns,
            n_resamples=n_resamples,
            rng=np.random.default_rng(seed),  # the same resamples for all blocks
            n_jobs=n_jobs,
            groups=codes,
        )
        units = columns if codes is None else np.column_stack([np.bincount(codes, weights=c) for c in columns.T])
        m = columns.shape[1] // 2
        for j in range(m):
            a, b = units[:, j], units[:, m + j]
            total = a.sum(), b.sum()
            if not total[1] > 0:
                continue
            with np.errstate(divide="ignore", invalid="ignore"):
                draws = sums[:, j] / sums[:, m + j]
                left_out = (total[0] - a) / (total[1] - b)
            defined = left_out[np.isfinite(left_out)]
            law = bca_law(draws, total[0] / total[1], acceleration(defined) if defined.size else 0.0)
            ends = law.interval(level, "two-sided")
            lower[start + j] = min(max(ends[0], lower[start + j]), upper[start + j])
            upper[start + j] = max(min(ends[1], upper[start + j]), lower[start + j])
    return lower, upper
