"""The BCa law of a statistic from its resampled values, with ties recognised as ties."""

import numpy as np
from scipy.special import ndtri

from .._base.draws_law import DrawsLaw

__all__ = ["bca_law", "spread"]


def bca_law(draws, estimate, acceleration, center=0.0):
    """Return the law of `draws` (NaN where undefined) around `estimate`, corrected for bias and skewness.

    Both are given less `center`: what is large beside the error must not hide which draws tie.
    """
    draws = np.where(np.isfinite(draws), draws, np.nan)
    draws = _tie(draws, estimate)
    return DrawsLaw(draws=center + draws, kind="bca", z0=_bias(draws, estimate), acceleration=acceleration)


def spread(values, ddof=0):
    """Return the standard deviation, whose squares neither overflow nor vanish."""
    size = float(np.abs(values).max())
    return size * float(np.std(values / size, ddof=ddof)) if size > 0 else 0.0


def _tie(draws, estimate):
    """Give equal values to draws that differ by rounding: sums of the same scores in another order."""
    defined = draws[~np.isnan(draws)]
    if defined.size < 2:
        return draws
    rounding, sd = 8 * np.finfo(float).eps * abs(estimate), spread(defined)
    if np.ptp(defined) > rounding:
        rounding = min(rounding, 1e-3 * sd)  # draws that vary stay apart, however large they are
    tolerance = 1e-9 * sd + rounding
    defined = np.where(np.abs(defined - estimate) <= tolerance, estimate, defined)
    starts = _runs(np.sort(defined), tolerance)
    out = np.full(draws.size, np.nan)
    # a draw belongs to the run that begins at or below it
    out[~np.isnan(draws)] = starts[np.searchsorted(starts, defined, side="right") - 1]
    return out


def _runs(values, tolerance):
    """Return where the runs of sorted values begin; none is longer than the tolerance."""
    first = np.flatnonzero(np.concatenate([[True], np.diff(values) > tolerance]))
    ends = np.append(first[1:], values.size)
    starts = [values[first]]
    # a chain of close neighbours may reach far: it is cut
    for i, end in zip(first, ends, strict=True) if (values[ends - 1] - values[first] > tolerance).any() else ():
        while (i := i + int(np.searchsorted(values[i:end], values[i] + tolerance, side="right"))) < end:
            starts.append(values[i : i + 1])
    return starts[0] if len(starts) == 1 else np.sort(np.concatenate(starts))


def _bias(draws, estimate):
    """Return the normal quantile of the share of draws below the estimate, ties counted half."""
    draws = draws[~np.isnan(draws)]
    if not draws.size:
        return 0.0
    below = np.count_nonzero(draws < estimate) + 0.5 * np.count_nonzero(draws == estimate)
    # half a draw away from the ends: an infinite bias would be more than the draws can know
    return float(ndtri(min(max(below, 0.5), draws.size - 0.5) / draws.size))
