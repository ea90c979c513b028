"""The mean of a Gaussian process before any data: a number, or a trend with coefficients."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from uq._base.exceptions import InputError
from uq._base.frozen import Frozen

__all__ = ["ConstantMean", "TrendMean", "call_trend"]

_STEP = np.finfo(float).eps ** (1 / 3)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ConstantMean(Frozen):
    """m(x) = value, in model units."""

    value: float = 0.0

    def values(self, A):
        """Return the mean of each row."""
        return np.full(len(A), self.value)

    def at(self, x):
        """Return the mean at one point and its gradient, None where it is 0."""
        return self.value, None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrendMean(Frozen):
    """m(x) = shift + sum_j coef_j trend_j(x), in model units.

    Parameters
    ----------
    function : callable
        X (n, d) -> (n,) or (n, p), in its own units.
    coef : ndarray of shape (p,)
    shift : float
    step : ndarray of shape (d,)
        The unit of each column, for the differences that stand in for the gradient.
    """

    function: Any
    coef: np.ndarray
    shift: float
    step: np.ndarray

    def values(self, A):
        """Return the mean of each row."""
        if not len(A):
            return np.empty(0)
        return self.shift + call_trend(self.function, A, "GaussianProcess").reshape(len(A), -1) @ self.coef

    def at(self, x):
        """Return the mean at one point and its gradient by central differences."""
        d = len(x)
        steps = _STEP * np.maximum(self.step, _STEP * np.abs(x))
        points = np.tile(x, (2 * d + 1, 1))
        k = np.arange(d)
        points[1 + k, k] += steps
        points[1 + d + k, k] -= steps
        values = self.values(points)
        return values[0], (values[1 : 1 + d] - values[1 + d :]) / (points[1 + k, k] - points[1 + d + k, k])


def call_trend(function, X, owner):
    """Return what the trend gives, (n,) or (n, p); raise where it is anything but finite numbers, one row per row."""
    values = np.asarray(function(X.copy()))
    shown = f"an array of shape {values.shape} and dtype {values.dtype}"
    if values.dtype.kind in "biuf" and values.ndim in (1, 2) and len(values) == len(X) and values.size:
        values = values.astype(float)
        if np.isfinite(values).all() and np.abs(values).max() <= 1e150:
            return values
        shown += " with values that are not finite or beyond 1e150"
    raise InputError(
        f"{owner}: mean must be a callable that returns finite numbers of shape (n,) or (n, n_terms) for X of shape "
        f"(n, n_features); for {len(X)} rows it returned {shown}."
    )
