"""Calibration rows and trial rows drawn independently, everything refitted: weights in place of copies of rows."""

import numpy as np

__all__ = ["bootstrap_values"]


def bootstrap_values(refit, functional, fit_rows, apply_rows, n_resamples, rng):
    """Return bootstrap values of a functional of the debiased column, shape (n_resamples, k).

    Parameters
    ----------
    refit : callable
        ``refit(weights)`` learns from the weighted calibration rows and returns the debiased column of the apply rows.
    functional : callable
        ``functional(weights)`` returns the Functional of the weighted apply rows.
    fit_rows, apply_rows : Rows
    n_resamples : int
    rng : numpy.random.Generator

    Notes
    -----
    Whole clusters are drawn where there are any. A resample that cannot be fitted (the truth does not vary in it, an
    arm is empty) is NaN, which `DrawsLaw` counts against either end.
    """
    values = []
    # resamples that cannot be fitted are expected, and counted
    with np.errstate(all="ignore"):
        for _ in range(n_resamples):
            weights, again = _drawn(fit_rows, rng), _drawn(apply_rows, rng)
            try:
                values.append(functional(again).value(refit(weights)))
            except (ValueError, ArithmeticError, LookupError, np.linalg.LinAlgError):
                values.append(None)
    shape = next((v.shape for v in values if v is not None), (1,))
    draws = np.array([np.full(shape, np.nan) if v is None else v for v in values])
    return np.where(np.isfinite(draws), draws, np.nan)


def _drawn(rows, rng):
    n = len(rows.z) if rows.groups is None else rows.n_groups
    counts = np.bincount(rng.integers(0, n, n), minlength=n).astype(np.float64)
    if rows.groups is not None:
        counts = counts[rows.groups]
    return counts if rows.weights is None else counts * rows.weights
