"""The values of a query on the rows: from an array or a function, each from its own row alone, and their mean."""

import warnings

import numpy as np

from uq._base.containers import as_numeric
from uq._base.exceptions import InputError

from ._rows import OWNER, count_rows, part_of, protected

__all__ = ["as_values", "check_inside", "clipped_mean", "evaluate", "rehearse"]

SINGLE = 16  # rows of a rehearsal that are tried one by one


def _fits(shape, n):
    return shape in ((n,), (n, 1)) or (n == 1 and shape == ())


def rehearse(query, rows, name, real, width=0.0):
    """Try a function on rows that are no secret, so that its mistakes cost nothing; raise InputError for them.

    Return its values. Rows that are `real`, and not zeros, must have the same values by themselves and among others, up
    to a hair of their size or of the `width` of the bounds; functions must work on a single row in any case.
    """
    n = count_rows(rows)
    values = _rehearsed(query, rows, n, name)
    for start, stop in _probes(n if real else 1) if n > 1 else ():
        alone = _rehearsed(query, part_of(rows, start, stop), stop - start, name)
        among = values[start:stop]
        size = np.abs(values[np.isfinite(values)]).max(initial=width)
        # a model computes batches of different size with different rounding
        differ = ~np.isclose(alone, among, rtol=1e-5, atol=1e-5 * size, equal_nan=True)
        if real and differ.any():
            i = int(np.flatnonzero(differ)[0])
            raise InputError(
                f"{OWNER}: {name} must give each row a value that depends on this row only; in the rehearsal, row "
                f"{start + i} has {among[i]:.6g} among {n} rows, and {alone[i]:.6g} among {stop - start} of them. Take "
                "means, ranks, maxima and random numbers from elsewhere than the rows. Nothing was spent."
            )
    return values


def _probes(n):
    """Return parts of n rows: both halves, and some rows by themselves, of which all have the same rank and mean."""
    single = np.unique(np.linspace(0, n - 1, SINGLE).round().astype(int)).tolist()
    return [(i, i + 1) for i in single] + [(0, n // 2), (n // 2, n)] * (n > 2)


def _rehearsed(query, rows, n, name):
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            values = as_numeric(query(protected(rows)), OWNER, name)
    except Exception as error:
        raise InputError(
            f"{OWNER}: {name} must be a function that returns one number per row, for any number of rows; in the "
            f"rehearsal, on {n} rows of the same form (zeros and empty texts, if none were given), it raised "
            f"{type(error).__name__}: {error!s:.300}. Nothing was spent. Where it cannot work on such rows, give "
            "Holdout some that are no secret: rehearsal=training_rows."
        ) from error
    if not _fits(values.shape, n):
        raise InputError(
            f"{OWNER}: {name} must return one number per row, for any number of rows: of shape ({n},) for {n} rows; "
            f"got shape {values.shape}. Nothing was spent. Numbers that belong to all rows of the holdout are handed "
            "over as an array."
        )
    return values.reshape(-1)


def check_inside(values, bounds, name, most=0.0):
    """Raise InputError if more than a part of the values, on rows that are no secret, is out of bounds."""
    known = values[~np.isnan(values)]
    low, high = bounds
    if known.size and ((known < low) | (known > high)).mean() > most:
        raise InputError(
            f"{OWNER}: {name} must stay within bounds ({low:g}, {high:g}), or its mean is that of clipped values; in "
            f"the rehearsal it went from {known.min():.6g} to {known.max():.6g}. Give bounds that hold for every row, "
            "or clip the values within the function. Nothing was spent."
        )


def evaluate(query, data, n):
    """Return a function's values on the real rows, missing for rows on which it fails, since failing would tell.

    Only for those: where it fails on many rows together, it gets half of them, and in the end each by itself. If one
    row could make others missing, it would move the mean by more than its share.
    """
    values = _tried(query, data, n)
    if values is not None:
        return values
    if n == 1:
        return np.full(1, np.nan)
    half = n // 2
    return np.concatenate([evaluate(query, part_of(data, a, b), b - a) for a, b in ((0, half), (half, n))])


def _tried(query, data, n):
    try:
        with warnings.catch_warnings():  # they, too, would tell about the rows
            warnings.simplefilter("ignore")
            values = as_numeric(query(protected(data)), OWNER, "query")
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:  # of any kind: its words could quote rows
        return None
    return values.reshape(-1) if _fits(values.shape, n) else None


def as_values(query, n, name):
    """Return an array's values as a float64 vector of n rows, whose values may be anything."""
    # of a subclass, such as a masked array, a mean may be something else
    plain = type(query) is np.ndarray and query.dtype == np.float64
    values = query if plain else as_numeric(query, OWNER, name)
    if values.shape == (n, 1):
        values = values[:, 0]
    if values.shape != (n,):
        raise InputError(
            f"{OWNER}: {name} must be one number per row of the data, of shape ({n},), or a function that returns "
            f"them; got shape {values.shape}. Nothing was spent."
        )
    return values


def clipped_mean(values, bounds):
    """Return the mean with values clipped to their bounds and the missing at the middle, and how many those were."""
    low, high = bounds
    if values.min() >= low and values.max() <= high:  # NaN is neither
        return float(values.mean()), 0
    inside = (values >= low) & (values <= high)
    values = np.clip(np.where(np.isnan(values), low + (high - low) / 2, values), low, high)
    return float(values.mean()), int(values.size - inside.sum())
