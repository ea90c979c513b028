"""The bootstrap of a binned calibration error in the space of its bins, where a resample costs bins and not rows."""

import warnings

import numpy as np

from uq._base.draws_law import DrawsLaw
from uq._base.exceptions import InputError, SmallSampleWarning
from uq._base.results import Interval

from ._cells import FEW, pair_terms

__all__ = ["grid_interval"]

AT_ONCE = 2**19
FEWEST = 30
ROUNDING = 1e-12


def grid_interval(sums, cells, norm, squared, level, alternative, n_resamples, rng, owner):
    """Return the interval of the error, or of its square; see `BinnedCalibrationError.interval`."""
    if norm not in (1, 2):
        raise InputError(
            f"{owner}: norm must be 1 or 2; got {norm!r}. The largest gap of noisy bins has no interval that "
            "resampling could give; `calibration_test` can be asked whether it is larger than chance."
        )
    n = int(sums[0].sum())
    if n < FEWEST:
        warnings.warn(
            f"a bootstrap interval from {n} rows is rough; it takes {FEWEST} or more.", SmallSampleWarning, stacklevel=3
        )
    thin = cells.weight[cells.units < FEW].sum() > 0.1 * cells.weight.sum()
    if thin and norm == 1 and n >= FEWEST:
        warnings.warn(
            f"bins with fewer than {FEW} rows hold more than 10 % of them, and their noise hides the error: the lower "
            "end is 0. Fewer bins, or norm=2, would show more.",
            SmallSampleWarning,
            stacklevel=3,
        )
    some = cells.units > 0
    counts, first, second = (a[some] for a in sums)
    gap, weight = cells.residual[some] / cells.units[some], cells.units[some] / n
    variance = np.maximum(gap**2 - pair_terms(cells)[some], 0.0) * (cells.units[some] > 1)
    rows = max(1, AT_ONCE // counts.size)
    kernel, agreeing = (_absolute, _absolute_agreeing) if norm == 1 else (_square, _square_agreeing)
    agree = (counts == 0).any(axis=1)
    parts = [
        kernel(gap, variance, weight, *_resampled(counts, first, second, min(rows, n_resamples - start), rng))
        for start in range(0, n_resamples, rows)
    ]
    high, low = (np.concatenate(draws) for draws in zip(*parts, strict=True))
    if agree.any():
        more, less = _of_agreeing(agreeing, cells.units[some][agree], np.abs(gap[agree]), weight[agree], len(high), rng)
        high, low = high + more, low - less
    highs, lows = DrawsLaw(draws=high), DrawsLaw(draws=low)
    alpha = min(1 - level, 1 - 2**-53) / (2 if alternative == "two-sided" else 1)
    if norm == 1:
        center, floor = weight @ np.abs(gap), 0.0
        lower, upper = center - highs.upper(alpha), center - lows.lower(alpha)
        if agree.all() and np.ptp(low) <= ROUNDING and (n_resamples + 1) * alpha >= 1:
            upper = center - low[0]  # no draw of agreeing bins shows a larger error, which is an answer here
        lower = 0.0 if thin or lower <= ROUNDING else lower
    else:
        center, floor = cells.weight @ pair_terms(cells) / n, -1.0
        spread = max(highs.upper(alpha), 0.0)
        lower, upper = center - spread, center + spread
    lower = floor if alternative == "less" else min(max(lower, floor), 1.0)
    upper = 1.0 if alternative == "greater" else min(max(upper, floor), 1.0)
    if norm == 2 and not squared:
        lower, upper = np.sqrt(max(lower, 0.0)), np.sqrt(max(upper, 0.0))
    return Interval(
        lower=lower,
        upper=upper,
        confidence_level=level,
        alternative=alternative,
        guarantee="asymptotic",
        method="grid bootstrap",
    )


def _resampled(counts, first, second, size, rng):
    """Return rows and mean residuals per bin on bootstrap samples of rows.

    Counts of (bin, outcome) are multinomial to the letter. The sum of probabilities of so many rows of one such cell is
    drawn from its normal law; where they are all equal that is exact.
    """
    n = counts.sum()
    drawn = rng.multinomial(n, counts.ravel() / n, size=size).reshape(size, *counts.shape)
    there = np.maximum(counts, 1)
    mean = first / there
    sd = np.sqrt(np.maximum(second / there - mean**2, 0.0))
    sums = drawn * mean
    if (sd > 1e-9).any():
        sums += np.sqrt(drawn) * sd * rng.standard_normal(drawn.shape)
    rows = drawn.sum(axis=2)
    residual = sums.sum(axis=2) - drawn[:, :, 1]
    return rows, np.where(rows > 0, residual / np.maximum(rows, 1), 0.0)


def _of_agreeing(kernel, units, gap, weight, size, rng):
    """Return by how much the error may be less, and more, since bins whose outcomes all agree may have others to come.

    No resample shows any. The share of others is drawn from Beta(1, rows), whose upper quantiles are the exact binomial
    limits of none among so many; it moves the gap to 0 and, where it is larger than the gap, to the other side. Bins of
    few rows agree by chance: they have one share together, or many of them would drown what is known.
    """
    thin = units < FEW
    order = np.argsort(thin, kind="stable")
    units, gap, weight = units[order], gap[order], weight[order]
    totals = np.append(units[units >= FEW], units[units < FEW].sum() if thin.any() else [])
    share_of = np.minimum(np.arange(len(units)), len(totals) - 1)
    rows = max(1, AT_ONCE // len(units))
    draws = [
        kernel(gap, rng.beta(1.0, totals, size=(min(rows, size - start), len(totals)))[:, share_of])
        for start in range(0, size, rows)
    ]
    return tuple(np.concatenate(part) @ weight for part in zip(*draws, strict=True))


def _absolute_agreeing(gap, share):
    return np.minimum(share, gap), np.maximum(share - 2 * gap, 0.0)


def _square_agreeing(gap, share):
    less = gap**2 - np.maximum(gap - share, 0.0) ** 2
    return np.maximum(less, share**2 - 2 * share * gap), less


def _absolute(gap, variance, weight, rows, gaps):
    """Return what noise adds to the error if small gaps are none at all, and if all are what they seem."""
    shares = rows / rows.sum(axis=1, keepdims=True)
    noise = np.where(rows > 0, gaps - gap, 0.0)
    clear = np.abs(gap) > max(2.0, np.sqrt(2 * np.log(len(gap)))) * np.sqrt(variance)
    true = np.where(clear, gap, 0.0)
    most = (shares * np.abs(true + noise)).sum(axis=1) - weight @ np.abs(true)
    as_seen = (shares * np.abs(gaps)).sum(axis=1) - weight @ np.abs(gap)
    return np.maximum(most, as_seen), as_seen


def _square(gap, variance, weight, rows, gaps):
    """Return the error of the debiased square, at gaps of debiased size; its mean is 0."""
    shares, here = rows / rows.sum(axis=1, keepdims=True), np.maximum(rows, 1)
    units = np.rint(weight * rows[0].sum())
    noise = np.where(rows > 0, gaps - gap, 0.0) * np.sqrt(units / np.maximum(units - 1, 1))
    true = np.sign(gap) * np.sqrt(np.maximum(gap**2 - variance, 0.0))
    moved = true**2 + 2 * true * noise + noise**2 - variance * units / here
    error = (shares * moved).sum(axis=1) - weight @ true**2
    return error, error
