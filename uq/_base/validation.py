"""Checks at the boundary: each error names the owner, the parameter, what is allowed, what came, and the way out."""

import math
import numbers
from collections.abc import Mapping, Set

import numpy as np

from .containers import LONG_TEXT, as_labels, as_numeric
from .exceptions import InputError

__all__ = [
    "check_alternative",
    "check_binary",
    "check_bounds",
    "check_count",
    "check_groups",
    "check_jobs",
    "check_level",
    "check_matrix",
    "check_number",
    "check_option",
    "check_same_length",
    "check_switch",
    "check_vector",
    "check_weights",
    "drop_missing",
    "is_binary",
]

ALTERNATIVES = ("two-sided", "less", "greater")
_HUGE = 1e150
_EXACT = 2**53
_NOT_OFFERED = object()  # no `nan_policy` of the caller, and None is none that a user may pass


def check_level(confidence_level, owner, name="confidence_level"):
    """Return the level as a float in the open interval (0, 1)."""
    return check_number(confidence_level, owner, name, low=0, high=1, remedy="A level of 95 % is written .95.")


def check_number(value, owner, name, *, low=-math.inf, high=math.inf, closed=False, infinite=False, remedy=""):
    """Return a finite real number inside (low, high), or [low, high] where `closed`; inf as well where `infinite`."""
    ok = isinstance(value, numbers.Real) and not isinstance(value, (bool, np.bool_))
    try:
        # a short float would cast the bounds to its own kind, where they overflow
        number = float(value) if ok else math.nan
    except OverflowError:  # an int beyond the floats
        number = math.nan
    if infinite and number == math.inf:
        return number
    if not (math.isfinite(number) and (low <= number <= high if closed else low < number < high)):
        span = f"[{low}, {high}]" if closed else f"({low}, {high})"
        raise InputError(f"{owner}: {name} must be a number in {span}; got {value!r}. {remedy}".rstrip())
    return number


def check_count(value, owner, name, *, low=1, high=_EXACT):
    """Return an integer of at least `low` and at most `high`, by default what the floats hold exactly."""
    if not isinstance(value, numbers.Integral) or isinstance(value, (bool, np.bool_)) or value < low:
        raise InputError(f"{owner}: {name} must be an integer of at least {low}; got {value!r}.")
    if value > high:
        limit = "2**53" if high == _EXACT else str(high)
        came = value if value < 2**64 else f"an integer of {int(value).bit_length()} bits"
        raise InputError(f"{owner}: {name} must be at most {limit}; got {came}.")
    return int(value)


def check_jobs(n_jobs, owner):
    """Return `n_jobs`, None or an integer other than 0, as joblib wants it."""
    if n_jobs is None:
        return None
    if not isinstance(n_jobs, numbers.Integral) or isinstance(n_jobs, (bool, np.bool_)) or n_jobs == 0:
        raise InputError(
            f"{owner}: n_jobs must be None, a number of workers, or -1 for one per core; got {n_jobs!r:.100}."
        )
    return int(n_jobs)


def check_switch(value, owner, name):
    """Return True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise InputError(f"{owner}: {name} must be True or False; got {value!r:.100}.")
    return bool(value)


def check_option(value, allowed, owner, name):
    """Return `value` if it is one of the allowed strings."""
    if not isinstance(value, str) or value not in allowed:
        raise InputError(f"{owner}: {name} must be one of {', '.join(map(repr, allowed))}; got {value!r}.")
    return value


def check_alternative(alternative, owner):
    """Return "two-sided", "less" or "greater"."""
    return check_option(alternative, ALTERNATIVES, owner, "alternative")


def check_vector(x, owner, name, *, nan_policy=_NOT_OFFERED, allow_empty=False):
    """Return a float64 vector without infinities; NaN only under ``nan_policy="omit"``, where it is offered."""
    array = as_numeric(x, owner, name)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise InputError(
            f"{owner}: {name} must have shape (n,) or (n, 1); got an array of shape {array.shape}. "
            "Pass one column, or one number per row."
        )
    if array.size == 0 and not allow_empty:
        raise InputError(f"{owner}: {name} must hold at least one row; got none.")
    _check_finite(array, owner, name, nan_policy)
    return array


def check_matrix(x, owner, name, *, nan_policy=_NOT_OFFERED, min_columns=1):
    """Return a float64 matrix (rows, columns) without infinities; `nan_policy` as in `check_vector`."""
    array = as_numeric(x, owner, name)
    if array.ndim != 2:
        raise InputError(
            f"{owner}: {name} must have shape (rows, columns); got an array of shape {array.shape}. "
            "A single column is written with shape (n, 1)."
        )
    if array.shape[0] == 0:
        raise InputError(f"{owner}: {name} must hold at least one row; got none.")
    if array.shape[1] < min_columns:
        raise InputError(f"{owner}: {name} must have at least {min_columns} columns; got {array.shape[1]}.")
    _check_finite(array, owner, name, nan_policy)
    return array


def _check_finite(array, owner, name, nan_policy):
    offered = nan_policy is not _NOT_OFFERED
    nan_policy = check_option(nan_policy, ("raise", "omit"), owner, "nan_policy") if offered else "raise"
    # two passes that need no memory; NaN is neither
    if array.size and array.min() >= -_HUGE and array.max() <= _HUGE:
        return
    finite = np.isfinite(array)
    if finite.all():
        if array.size and max(array.max(), -array.min()) > _HUGE:
            raise InputError(
                f"{owner}: {name} must not exceed {_HUGE:g} in size, whose squares overflow; got "
                f"{array.flat[np.abs(array).argmax()]:g}. Rescale it."
            )
        return
    bad = ~finite if nan_policy == "raise" else np.isinf(array)
    if not bad.any():
        _check_finite(array[finite], owner, name, nan_policy)
        return
    n_nan = int(np.isnan(array).sum())
    n_inf = int(np.isinf(array).sum())
    first = int(np.flatnonzero(bad.reshape(len(array), -1).any(axis=1))[0])
    what = " and ".join(text for text, k in ((f"{n_nan} NaN", n_nan), (f"{n_inf} infinite", n_inf)) if k)
    omit = "Remove them, or use nan_policy='omit'." if offered else "Remove these rows, or fill them."
    remedy = "Clip or remove infinite values." if n_inf else omit
    raise InputError(
        f"{owner}: {name} must be finite; got {what} among {array.size} values, the first in row {first} "
        f"(counting from 0). {remedy}"
    )


def check_same_length(owner, **arrays):
    """Raise unless all arrays that are not None have as many rows as the first one."""
    given = [(name, len(a)) for name, a in arrays.items() if a is not None]
    first, n = given[0]
    for name, length in given[1:]:
        if length != n:
            raise InputError(
                f"{owner}: {name} must have as many rows as {first} ({n}); got {length}. "
                "Row i of each must describe the same item."
            )
    return n


def check_binary(array, owner, name):
    """Raise unless every value is 0 or 1."""
    if not is_binary(array):
        raise InputError(f"{owner}: {name} must hold only 0 and 1; got {_sample(array)}.")
    return array


def is_binary(array):
    """Tell whether every value is 0 or 1 (NaN is neither)."""
    return bool(((array == 0) | (array == 1)).all())


def check_bounds(bounds, owner, array=None, name="scores"):
    """Return (low, high) as floats with low < high; raise if a value of `array` lies outside."""
    try:
        low, high = (_number(b) for b in (() if isinstance(bounds, (bytes, Mapping, Set)) else bounds))
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"{owner}: bounds must be a pair (low, high) of numbers; got {bounds!r:.100}.") from None
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise InputError(f"{owner}: bounds must be finite with low < high; got ({low}, {high}).")
    if max(abs(low), abs(high)) > _HUGE:
        raise InputError(
            f"{owner}: bounds must not exceed {_HUGE:g} in size, whose squares overflow; got ({low:g}, {high:g})."
        )
    if array is not None and array.size:
        least, most = np.nanmin(array), np.nanmax(array)
        if least < low or most > high:
            raise InputError(
                f"{owner}: {name} must lie within bounds ({low}, {high}); got values from {least:g} to {most:g}. "
                "Bounds are what a score can be, not what was seen."
            )
    return low, high


def _number(value):
    value = value.item() if hasattr(value, "item") else value  # a tensor's number
    if not isinstance(value, numbers.Real):
        raise TypeError
    return float(value)


def check_groups(groups, owner, n, *, name="groups", min_groups=2):
    """Return integer codes 0 ... G-1 of the labels, in order of the sorted labels, and the labels themselves."""
    labels = as_labels(groups, owner, name)
    if len(labels) != n:
        raise InputError(
            f"{owner}: {name} must have one label per row ({n}); got {len(labels)}. "
            "Row i of each must describe the same item."
        )
    try:
        names, codes = _unique(labels)
    except TypeError:
        raise InputError(f"{owner}: {name} must hold labels of one kind (all numbers or all strings).") from None
    if len(names) < min_groups:
        raise InputError(
            f"{owner}: {name} must hold at least {min_groups} different labels; got {len(names)} ({_sample(names)}). "
            "One cluster says nothing about the variation between clusters."
        )
    return codes.reshape(-1), names


def _unique(labels):
    """Return the sorted labels and the code of each row; long texts and small integers need no sorting of rows."""
    if labels.dtype.kind in "iu" and labels.size:
        low, high = int(labels.min()), int(labels.max())
        if high - low < 4 * labels.size:
            # widened first, lest short integers wrap around; unsigned ones may lie beyond the signed
            wide = np.uint64 if labels.dtype.kind == "u" else np.int64
            shifted = (labels.astype(wide, copy=False) - wide(low)).astype(np.intp)
            present = np.bincount(shifted) > 0
            names = (np.flatnonzero(present).astype(wide) + wide(low)).astype(labels.dtype)
            return names, (np.cumsum(present) - 1)[shifted]
    long = labels.dtype.kind == "O" or labels.dtype.itemsize > 4 * LONG_TEXT
    if long and all(isinstance(label, str) for label in labels):  # sorting would copy them
        texts = sorted(set(labels))
        codes = {text: code for code, text in enumerate(texts)}
        rows = np.fromiter((codes[label] for label in labels), np.intp, len(labels))
        return np.array(texts, dtype=object), rows
    return np.unique(labels, return_inverse=True)


def check_weights(sample_weight, owner, n, name="sample_weight"):
    """Return non-negative finite weights with a positive sum, or None."""
    if sample_weight is None:
        return None
    weights = check_vector(sample_weight, owner, name)
    if len(weights) != n:
        raise InputError(f"{owner}: {name} must have one weight per row ({n}); got {len(weights)}.")
    if (weights < 0).any() or not weights.sum() > 0:
        raise InputError(
            f"{owner}: {name} must be non-negative with a positive sum, not all zero; got {_sample(weights)}."
        )
    return weights


def drop_missing(owner, *arrays):
    """Drop rows in which any array is NaN; return the arrays (None stays None), the mask of the rest, and how many."""
    keep = np.ones(len(arrays[0]), dtype=bool)
    for array in arrays:
        if array is not None and array.dtype.kind == "f":
            keep &= ~np.isnan(array.reshape(len(array), -1)).any(axis=1)
    n_dropped = int(len(keep) - keep.sum())
    if n_dropped == len(keep):
        raise InputError(f"{owner}: no row is left after dropping those with NaN ({n_dropped} of {len(keep)}).")
    if n_dropped:
        arrays = tuple(None if array is None else array[keep] for array in arrays)
    return arrays, keep, n_dropped


def _sample(array, k=5):
    flat = np.asarray(array).reshape(-1)
    text = ", ".join(f"{v!s:.60}" for v in flat[:k])
    return f"[{text}{', ...' if flat.size > k else ''}]"
