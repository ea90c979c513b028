"""The BCa law of a statistic from its resampled values, with ties recognised as ties."""

import numpy as np
from scipy.special import ndtri

from .._base.laws import DrawsLaw

__all__ = ["bca_law"]


def bca_law(draws, estimate, acceleration):
    """Return the law of `draws` (NaN where undefined) around `estimate`, corrected for bias and skewness."""
    draws = np.where(np.isfinite(draws), draws, np.nan)
    draws = _tie(draws, estimate)
    return DrawsLaw(draws=draws, kind="bca", z0=_bias(draws, estimate), acceleration=acceleration)


def _tie(draws, estimate):
    """Give equal values to draws that differ by rounding: sums of the same scores in another order."""
    defined = draws[~np.isnan(draws)]
    if defined.size < 2:
        return draws
    tolerance = 1e-9 * float(np.std(defined)) + 8 * np.finfo(float).eps * abs(estimate)
    values = np.sort(defined)
    # a draw belongs to the run of draws that begins at or below it
    starts = values[np.concatenate([[True], np.diff(values) > tolerance])]
    tied = np.where(np.abs(starts - estimate) <= tolerance, estimate, starts)
    out = np.full(draws.size, np.nan)
    out[~np.isnan(draws)] = tied[np.searchsorted(starts, defined, side="right") - 1]
    return out


def _bias(draws, estimate):
    """Return the normal quantile of the share of draws below the estimate, ties counted half."""
    draws = draws[~np.isnan(draws)]
    if not draws.size:
        return 0.0
    below = np.count_nonzero(draws < estimate) + 0.5 * np.count_nonzero(draws == estimate)
    # half a draw away from the ends: an infinite bias would be more than the draws can know
    return float(ndtri(min(max(below, 0.5), draws.size - 0.5) / draws.size))
