"""What row labels say: numbers and dates may be those of any frame, and then predictions have to tell who is who."""

import datetime

import numpy as np

__all__ = ["numbers_of", "only_count", "same_rows"]

_FRAME = 100  # rows of a frame per row that was taken from it: larger numbers are names
_CLUSTERS = 10  # the same for clusters, of which fewer are left out
_PROOF = 10  # different predictions that agree one by one do not do so by chance
_CHANCE = 1e-9
_DATES = (datetime.date, datetime.timedelta, np.datetime64, np.timedelta64)


def numbers_of(labels):
    """Return the whole numbers that labels are, however they are written; None for names.

    Dates are as good as numbers of rows: every frame of the same days has the same ones.
    """
    if getattr(labels, "nlevels", 1) > 1:
        return None
    array = np.asarray(labels)
    kind = array.dtype.kind
    if kind in "mM" or (kind == "O" and len(array) and all(map(_is_date, array))):
        return np.arange(len(array))
    if kind in "iub":
        return array
    try:
        with np.errstate(over="ignore"):  # of long doubles
            numbers = array.astype(np.float64)
    except (TypeError, ValueError, OverflowError):
        return None
    return numbers if np.isfinite(numbers).all() and (numbers == np.round(numbers)).all() else None


def _is_date(label):
    return isinstance(label, _DATES) or type(label).__name__ == "Period"


def only_count(labels, *, clusters=False):
    """Tell whether labels may be no more than the numbers of rows of some frame, or of clusters."""
    numbers = numbers_of(labels)
    if numbers is None or not len(numbers):
        return False
    return bool(numbers.min() >= 0 and numbers.max() < (_CLUSTERS if clusters else _FRAME) * len(numbers))


def same_rows(one, two):
    """Tell whether predictions prove that rows with equal labels are the same ones.

    They do where they agree one by one and other rows would hardly do so by chance: with the probability that two rows
    agree, to the power of the rows. In sorted files neighbours agree anyway, and count as fewer.
    """
    if not len(one) or not np.array_equal(one, two):
        return False
    codes, counts = np.unique(one, return_inverse=True, return_counts=True)[1:]
    if len(counts) >= _PROOF:
        return True
    n = len(one)
    agree = float(((counts / n) ** 2).sum())
    runs = 1 + np.count_nonzero(np.diff(codes))
    draws = n * min(1.0, runs / (1 + (n - 1) * (1 - agree)))
    return agree**draws < _CHANCE
