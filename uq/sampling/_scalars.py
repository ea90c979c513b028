"""Arguments that are one number for all, or one for each."""

import numbers

import numpy as np

from uq._base.containers import as_numeric
from uq._base.exceptions import InputError
from uq._base.validation import check_number, check_vector

__all__ = ["check_each"]


def check_each(x, owner, name, *, low, high, n=None):
    """Return a float, or a vector (of length n, where n is given), with values in [low, high]."""
    if not isinstance(x, numbers.Real):
        array = as_numeric(x, owner, name)
        if array.ndim:
            return _vector(array, owner, name, low, high, n)
        x = array.item()
    # a short float would overflow in comparisons with a long one
    x = x.item() if isinstance(x, np.generic) else x
    return check_number(x, owner, name, low=low, high=high, closed=True)


def _vector(array, owner, name, low, high, n):
    array = check_vector(array, owner, name)
    if n is not None and len(array) != n:
        raise InputError(f"{owner}: {name} must be one number, or one for each ({n}); got {len(array)}.")
    if array.min() < low or array.max() > high:
        raise InputError(
            f"{owner}: {name} must lie in [{low:g}, {high:g}]; got values from {array.min():g} to {array.max():g}."
        )
    return array
