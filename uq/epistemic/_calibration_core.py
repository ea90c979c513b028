"""Bins of variances, and the gaps of squared errors to them; the cells of one item go together. Nothing is checked."""

import numpy as np
from scipy import stats

from uq._base.betting import betting_lower, betting_upper

__all__ = ["bin_cells", "binned_gaps", "gap_limits", "join_thin", "rank_correlation"]

TUNED = 0.025  # the bets are those of a two-sided 95 % interval, so that intervals of all levels are nested


def bin_cells(v, n_bins):
    """Return the bin of each cell: equally many each, by size of `v`, equal ones never parted; codes 0, 1, ..."""
    ordered = np.sort(v)
    ends = np.ceil(np.arange(1, n_bins) * (len(v) / n_bins)).astype(np.intp) - 1
    codes = np.searchsorted(np.unique(ordered[ends]), v, side="left")
    used = np.bincount(codes, minlength=n_bins) > 0
    return (np.cumsum(used) - 1)[codes]


def join_thin(codes, item):
    """Return codes of bins that hold cells of two items or more: one with less joins the next, the last the one before.

    One item alone shows no scatter, and its gap would have no noise.
    """
    if np.bincount(codes).min() > np.bincount(item).max():  # more cells than one item has
        return codes
    order = np.lexsort((item, codes))
    starts = np.searchsorted(codes[order], np.arange(int(codes.max()) + 2))
    ordered, new, at = item[order], np.zeros(len(starts) - 1, dtype=np.intp), 0
    seen: set[int] = set()
    for b in range(len(new)):
        new[b] = at
        # the first and the last of a bin differ where it holds two items
        seen.update((int(ordered[starts[b]]), int(ordered[starts[b + 1] - 1])))
        if len(seen) > 1:
            at, seen = at + 1, set()
    return np.minimum(new, max(at - 1, 0))[codes]


def binned_gaps(e, v, codes, item):
    """Return the error, its noise floor, the debiased square, and the means of the bins, by name."""
    n_bins, n_items = int(codes.max()) + 1, int(item.max()) + 1
    n = len(e)
    cells = np.bincount(codes, minlength=n_bins)
    # sums over the cells that an item has in a bin
    place = codes * np.intp(n_items) + item
    if n_bins * n_items > 8 * n:
        found, place = np.unique(place, return_inverse=True)
        place = place.reshape(-1)
        d, size = np.bincount(place, weights=e - v), np.bincount(place)
    else:
        every = np.bincount(place, minlength=n_bins * n_items)
        found = np.flatnonzero(every)
        d, size = np.bincount(place, weights=e - v, minlength=n_bins * n_items)[found], every[found]
    of = found // n_items
    items = np.bincount(of, minlength=n_bins)
    total = np.bincount(of, weights=d, minlength=n_bins)
    squares = np.bincount(of, weights=d * d, minlength=n_bins)
    # unbiased: the mean of the bin takes one row away
    scatter = (
        np.bincount(of, weights=(d - (total / items)[of]) ** 2, minlength=n_bins) * items / np.maximum(items - 1, 1)
    )
    gap = total / cells
    rest = np.bincount(of, weights=(d - gap[of] * size) ** 2, minlength=n_bins)
    many = items > 1
    pairs = np.where(many, items * (items - 1.0), 1.0)
    square = np.where(many, (total**2 - squares) / pairs, 0.0) * (items / cells) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        std_error = np.where(many, np.sqrt(rest * items / np.maximum(items - 1, 1)) / cells, np.inf)
    return {
        "error": float(np.abs(total).sum() / n),
        "noise_floor": float(np.sqrt(2 / np.pi) * np.sqrt(scatter).sum() / n),
        "debiased_square": float((cells / n) @ square),
        "variance": np.bincount(codes, weights=v, minlength=n_bins) / cells,
        "squared_error": np.bincount(codes, weights=e, minlength=n_bins) / cells,
        "std_error": std_error,
        "count": cells,
        "n_items": items,
        "sums": np.column_stack([of, d, size]),
    }


def gap_limits(sums, low, high, alpha, upper):
    """Return a betting bound of each bin's gap, from the sums over the cells of each item, whose sizes are weights."""
    bound = betting_upper if upper else betting_lower
    of, d, size = sums.T
    out = np.empty(int(of.max()) + 1)
    for b in range(len(out)):
        here = of == b
        weight = size[here] / size[here].max()
        out[b] = bound(d[here] / size[here], alpha, low, high, weights=weight, tuned_alpha=TUNED)
    return out


def rank_correlation(x, y):
    """Return Spearman's correlation; 0 where one of the two is constant."""
    a, b = stats.rankdata(x), stats.rankdata(y)
    a, b = a - a.mean(), b - b.mean()
    scale = np.sqrt((a @ a) * (b @ b))
    return float(a @ b / scale) if scale > 0 else 0.0
