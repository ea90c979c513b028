"""A user's metric and its rows: numbers or labels, one or several columns, checked and otherwise left alone."""

import numpy as np

from .._base.containers import as_labels, as_numeric
from .._base.exceptions import InputError

__all__ = ["as_rows", "check_metric"]


def check_metric(metric, owner, remedy):
    """Raise, without printing a whole array, unless the metric can be called."""
    if callable(metric):
        return
    shape = getattr(metric, "shape", None)
    if shape is None:
        text = repr(metric)
        text = text if len(text) <= 60 else f"{text[:60]}..."
    else:
        text = f"{type(metric).__name__} of shape {tuple(shape)}"
    raise InputError(f"{owner}: metric must be a callable (y_true, y_pred) -> float; got {text}. {remedy}")


def as_rows(x, owner, name):
    """Return numbers of shape (n,) or (n, k), or labels of shape (n,); integers and strings keep their kind."""
    if isinstance(x, np.ndarray) and x.dtype.kind in "biuSU" and not isinstance(x, np.ma.MaskedArray):
        array = x  # a metric may care whether a label is an integer
    else:
        try:
            array = as_numeric(x, owner, name)
        except InputError:
            array = as_labels(x, owner, name)
        else:
            array = _restore_integers(x, array)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim not in (1, 2) or array.size == 0:
        raise InputError(f"{owner}: {name} must have shape (n,) or (n, k) with at least one row; got {array.shape}.")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        bad = int(np.flatnonzero(~np.isfinite(array).reshape(len(array), -1).all(axis=1))[0])
        raise InputError(
            f"{owner}: {name} must be finite; the first NaN or infinite value is in row {bad} (counting from 0). "
            "Remove such rows, or decide what a missing value is worth before you score it."
        )
    return array


def _restore_integers(x, array):
    """Give lists and frames of integers their kind back: labels are counted, not measured."""
    whole = (
        array.size and np.isfinite(array).all() and (np.abs(array) < 2**53).all() and (array == np.rint(array)).all()
    )
    floating = isinstance(x, np.ndarray) or "float" in str(getattr(x, "dtype", ""))
    if whole and not floating and not (isinstance(x, (list, tuple)) and _holds_floats(x)):
        return array.astype(np.int64)
    return array


def _holds_floats(x):
    return any(isinstance(v, (float, np.floating)) or (isinstance(v, (list, tuple)) and _holds_floats(v)) for v in x)
