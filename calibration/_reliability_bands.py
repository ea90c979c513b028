"""Bands around the points of a reliability curve, whichever way it was drawn."""

import warnings

import numpy as np

from uq._base.exceptions import InputError
from uq._base.validation import is_binary

from ._bands import (
    cluster_replicates,
    honest_band,
    merge,
    null_replicates,
    rank_starts,
    row_replicates,
    weighted_null_replicates,
)
from ._curves import BinsCurve, IsotonicCurve
from ._isotone import step

__all__ = ["check_band", "drawn_curves", "honest_limits", "with_agreeing"]

MOST = 1000  # cells of the honest band, whose cost grows with their square


def check_band(band, y, weights, codes, owner):
    """Raise where a band is not valid for the data."""
    if band not in ("consistency", "honest"):
        return
    if codes is not None:
        raise InputError(
            f"{owner}: band={band!r} takes independent rows; got groups. Use band='bootstrap', which draws clusters "
            "whole, or keep one row of each cluster."
        )
    if not is_binary(y):
        raise InputError(
            f"{owner}: band={band!r} takes outcomes of 0 and 1; got shares between them. Use band='bootstrap'."
        )
    if band == "honest" and weights is not None and (weights != np.round(weights)).any():
        raise InputError(
            f"{owner}: band='honest' takes weights that are whole numbers, each for so many independent rows; got "
            "others. Use band='bootstrap'."
        )


def honest_limits(x, unique, sums, totals, alpha, owner):
    """Return (lower, upper, guarantee) of the honest band at x."""
    sums, totals = np.round(sums), np.round(totals)
    first, last = unique, unique
    if len(unique) > MOST:
        starts = rank_starts(totals, MOST)
        first, last = unique[starts], unique[np.append(starts[1:], len(unique)) - 1]
        sums, totals = merge(starts, sums, totals)
    lower, upper = honest_band(sums, totals, alpha)
    # all rows of a run must lie on one side of x
    lower, upper = step(last, lower, x, outside=0.0), step(first, upper, x, side="left", outside=1.0)
    if (lower > upper).any():
        warnings.warn(
            f"{owner}: no curve that never decreases goes with these outcomes at this level, so that the honest band "
            "does not hold and reaches from 0 to 1. Use method='kernel' or 'bins' with band='bootstrap'.",
            UserWarning,
            stacklevel=3,
        )
        return np.zeros(len(x)), np.ones(len(x)), "none"
    return lower, upper, "finite-sample"


def drawn_curves(curve, band, rows, n_resamples, rng):
    """Return the curve of each replicate, shape (n_resamples, n_points)."""
    p, y, weights, codes = rows
    cells = curve.cells
    counted = weights is None and is_binary(y)
    if band == "consistency":
        if weights is None:
            parts = null_replicates(cells.p, cells.totals, n_resamples, rng)
        else:
            parts = weighted_null_replicates(cells.of(p), len(cells.p), p, weights, n_resamples, rng)
    elif isinstance(curve, IsotonicCurve) and codes is None and is_binary(y):
        if weights is None:
            parts = null_replicates(curve.fit, cells.totals, n_resamples, rng)
        else:
            of = cells.of(p)
            parts = weighted_null_replicates(of, len(cells.p), curve.fit[of], weights, n_resamples, rng)
    elif counted and codes is None:
        parts = row_replicates(cells.sums, cells.totals, n_resamples, rng)
    else:
        units = np.arange(len(p)) if codes is None else np.unique(codes, return_inverse=True)[1]
        mass = np.ones(len(p)) if weights is None else weights / weights.max()
        parts = cluster_replicates(cells.of(p), len(cells.p), y, mass, units, n_resamples, rng)
    return np.concatenate([curve.replicate(sums, totals) for sums, totals in parts])


def with_agreeing(curve, lower, upper, p, codes, alpha):
    """Widen the band where all outcomes behind a point are alike: the binomial limits of none and of all."""
    lower, upper, known = np.minimum(lower, curve.y), np.maximum(upper, curve.y), {}
    for i in np.flatnonzero((curve.y == 0) | (curve.y == 1)):
        key = curve.edges[i] if isinstance(curve, BinsCurve) else curve.y[i]
        if key not in known:
            behind = curve.agreeing(i, p)
            units = behind.sum() if codes is None else len(np.unique(codes[behind]))
            known[key] = (alpha / 2) ** (1 / units)
        if curve.y[i] == 1:
            lower[i] = min(lower[i], known[key])
        else:
            upper[i] = max(upper[i], 1 - known[key])
    return lower, upper
